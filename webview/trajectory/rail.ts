import { html, svg, type TemplateResult } from 'lit';
import type { StepOutline } from '../../src/protocol.ts';
import { kindWord, labelWord } from './words.ts';

/** Highest a block may be, in pixels, so that a short trajectory does not fill the screen. */
const highest = 44;
/** Share of a block's height that is left free below it. */
const gap = 0.14;

/**
 * The whole trajectory at a glance, however long: one block a step, high where the text is long; a click goes there.
 * One path for all blocks of a colour: thousands of elements would slow every scroll.
 */
export function renderRail(
  outline: readonly StepOutline[],
  selected: number,
  select: (index: number) => void,
): TemplateResult {
  const starts = [0];
  for (const step of outline) starts.push(starts.at(-1)! + weight(step));
  const total = starts.at(-1)!;
  const paths = new Map<string, string>();
  outline.forEach((step, index) => {
    const colour = `${step.kind} ${step.label ?? ''}`;
    paths.set(colour, (paths.get(colour) ?? '') + block(starts[index]!, weight(step)));
  });
  const at = (event: MouseEvent) => {
    const { top, height } = (event.currentTarget as Element).getBoundingClientRect();
    const place = ((event.clientY - top) / height) * total;
    return Math.max(
      0,
      Math.min(
        outline.length,
        starts.findIndex(start => start > place),
      ) - 1,
    );
  };
  const tell = (event: MouseEvent) => {
    const step = outline[at(event)];
    const rail = (event.currentTarget as Element).parentElement;
    if (step === undefined || rail === null) return;
    rail.title = `${step.step} ${kindWord(step.kind)}${step.label === null ? '' : `, ${labelWord(step.label)}`}`;
  };
  const current = outline[selected];
  // A pointing device's short cut to what the list offers by keyboard, so it is left out of the tab order.
  return html`<div class="rail" aria-hidden="true">
    <svg
      viewBox="0 0 1 ${total}"
      preserveAspectRatio="none"
      .style=${`max-height: ${outline.length * highest}px`}
      @click=${(event: MouseEvent) => select(at(event))}
      @mousemove=${tell}
    >
      ${[...paths].map(([colour, path]) => svg`<path class="block ${colour}" d=${path}></path>`)}
      ${
        current === undefined
          ? null
          : svg`<path class="here" vector-effect="non-scaling-stroke" d=${block(starts[selected]!, weight(current))}></path>`
      }
    </svg>
  </div>`;
}

function block(start: number, height: number): string {
  return `M0 ${start.toFixed(2)}h1v${(height * (1 - gap)).toFixed(2)}h-1z`;
}

/** Share of the rail: the square root keeps one long text from hiding the rest. */
function weight(step: StepOutline): number {
  return step.kind === 'search' ? 4 : 3 + Math.sqrt(step.size);
}
