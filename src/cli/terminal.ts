import { MultiBar, Presets } from 'cli-progress';
import type { Job, Progress } from '../base/progress.ts';

/** Milliseconds between two progress lines where there is no terminal to redraw. */
const lineInterval = 2000;

/** The editor asks for its progress as JSON, a line each. */
const asJson = process.env.LRAT_PROGRESS === 'json';

/**
 * What a command says to people, always on standard error, so that standard output carries results alone:
 * a progress bar on a terminal, plain lines elsewhere.
 */
export class Terminal {
  readonly #bars: MultiBar | undefined;
  #bar: { task: string; bar: ReturnType<MultiBar['create']> } | undefined;
  #last = { task: '', at: 0 };

  constructor(stream: NodeJS.WriteStream = process.stderr) {
    if (stream.isTTY) {
      this.#bars = new MultiBar(
        {
          stream,
          format: '{task} {bar} {value}/{total} {unit} {detail}',
          hideCursor: true,
          clearOnComplete: true,
        },
        Presets.shades_grey,
      );
    }
  }

  readonly report = (progress: Progress): void => {
    if (asJson) process.stderr.write(`${JSON.stringify(progress)}\n`);
    else if (this.#bars === undefined) this.#line(progress);
    else this.#draw(this.#bars, progress);
  };

  /** A line of text, above the bar if one is drawn. */
  say(text: string): void {
    if (this.#bar !== undefined && this.#bars !== undefined) this.#bars.log(`${text}\n`);
    else process.stderr.write(`${text}\n`);
  }

  close(): void {
    this.#bars?.stop();
    this.#bar = undefined;
  }

  #draw(bars: MultiBar, { task, done, total, unit, detail = '' }: Progress): void {
    const payload = { task, unit, detail };
    if (this.#bar?.task !== task) {
      if (this.#bar !== undefined) bars.remove(this.#bar.bar);
      this.#bar = { task, bar: bars.create(total ?? done, done, payload) };
    }
    this.#bar.bar.setTotal(total ?? done);
    this.#bar.bar.update(done, payload);
  }

  #line({ task, done, total, unit, detail = '' }: Progress): void {
    const now = Date.now();
    if (task === this.#last.task && now - this.#last.at < lineInterval && done !== total) return;
    if (task === this.#last.task && done === total && this.#last.at === 0) return;
    this.#last = { task, at: done === total ? 0 : now };
    process.stderr.write(
      `${`${task}: ${done}${total === undefined ? '' : `/${total}`} ${unit} ${detail}`.trimEnd()}\n`,
    );
  }
}

/** What cancelled work ends with. */
export function cancelled(): DOMException {
  return new DOMException('Cancelled.', 'AbortError');
}

/** One Ctrl-C may arrive several times: from the terminal, and from each process that started this one. In milliseconds. */
export const samePress = 500;

/** A job that ends with the process's signals: the first Ctrl-C asks for a tidy stop, the second ends at once. */
export function jobOf(terminal: Terminal): Job {
  const controller = new AbortController();
  let pressed = 0;
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      const now = performance.now();
      if (!controller.signal.aborted) {
        pressed = now;
        terminal.say('Stopping… (again to stop at once)');
        controller.abort(cancelled());
      } else if (now - pressed > samePress) process.exit(130);
    });
  }
  return { report: terminal.report, signal: controller.signal };
}
