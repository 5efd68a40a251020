import { html, type TemplateResult } from 'lit';
import { classMap } from 'lit/directives/class-map.js';
import type { StepOutline } from '../../src/protocol.ts';

/** The whole trajectory at a glance: one block a step, high where the text is long; a click goes there. */
export function renderRail(
  outline: readonly StepOutline[],
  selected: number,
  select: (index: number) => void,
): TemplateResult {
  // A pointing device's short cut to what the list offers by keyboard, so it is left out of the tab order.
  return html`<div class="rail" aria-hidden="true">
    ${outline.map(
      (step, index) =>
        html`<div
          class=${classMap({ block: true, [step.kind]: true, [step.label ?? 'none']: true, selected: index === selected })}
          .style=${`flex-grow: ${weight(step)}`}
          title="${step.step} ${step.kind}${step.label === null ? '' : `, ${step.label}`}"
          @click=${() => select(index)}
        ></div>`,
    )}
  </div>`;
}

/** Share of the rail: the square root keeps one long text from hiding the rest. */
function weight(step: StepOutline): number {
  return step.kind === 'search' ? 4 : 3 + Math.sqrt(step.size);
}
