import {
  elementScroll,
  observeElementOffset,
  observeElementRect,
  Virtualizer,
  type VirtualizerOptions,
} from '@tanstack/virtual-core';
import type { ReactiveController, ReactiveControllerHost } from 'lit';

type Align = 'auto' | 'start' | 'center';

/** A list that renders only what is on the screen, for a lit element; rows may have any height. */
export class VirtualList implements ReactiveController {
  readonly #host: ReactiveControllerHost;
  readonly #scroller: () => HTMLElement | null;
  #virtualizer: Virtualizer<HTMLElement, HTMLElement>;
  #options: VirtualizerOptions<HTMLElement, HTMLElement>;
  #unmount: (() => void) | undefined;
  /** The row that was asked for: kept in view while rows above it come and get their height, until the user scrolls. */
  #target: { readonly index: number; readonly align: Align } | undefined;
  #listening: HTMLElement | null = null;

  constructor(
    host: ReactiveControllerHost,
    scroller: () => HTMLElement | null,
    estimate: (index: number) => number,
  ) {
    this.#host = host;
    this.#scroller = scroller;
    this.#options = {
      count: 0,
      overscan: 1,
      estimateSize: estimate,
      getScrollElement: scroller,
      observeElementOffset,
      observeElementRect,
      scrollToFn: elementScroll,
      onChange: () => host.requestUpdate(),
    };
    this.#virtualizer = new Virtualizer(this.#options);
    host.addController(this);
  }

  hostConnected(): void {
    this.#unmount = this.#virtualizer._didMount();
  }

  hostDisconnected(): void {
    this.#unmount?.();
  }

  hostUpdated(): void {
    const scroller = this.#scroller();
    if (scroller === null) return;
    if (scroller !== this.#listening) {
      this.#listening = scroller;
      for (const input of ['wheel', 'pointerdown', 'touchstart', 'keydown'])
        scroller.addEventListener(input, () => (this.#target = undefined), { passive: true });
    }
    this.#virtualizer._willUpdate();
    this.#keepInView(scroller);
  }

  #keepInView(scroller: HTMLElement): void {
    if (this.#target === undefined) return;
    const { index, align } = this.#target;
    const row = this.#virtualizer.measurementsCache[index];
    if (row === undefined) return;
    const { scrollTop, clientHeight } = scroller;
    // A row that does not fit is read from its top.
    const fits = row.size <= clientHeight;
    const isInView = fits
      ? row.start >= scrollTop && row.end <= scrollTop + clientHeight
      : Math.abs(row.start - scrollTop) < 2;
    if (!isInView) this.#virtualizer.scrollToIndex(index, { align: fits ? align : 'start' });
  }

  /** Rows to render, with their offset from the top of the list; to be rendered by key, as `measure` watches each element. */
  items(): readonly { readonly index: number; readonly start: number }[] {
    return this.#virtualizer.getVirtualItems();
  }

  get height(): number {
    return this.#virtualizer.getTotalSize();
  }

  /** Tells how many rows there are; `key` names a row across changes. */
  resize(count: number, key: (index: number) => number | string): void {
    this.#options = { ...this.#options, count, getItemKey: key };
    this.#virtualizer.setOptions(this.#options);
  }

  /** To be called with every rendered row: its height replaces the estimate. */
  readonly measure = (row: Element | undefined): void => {
    if (row instanceof HTMLElement) this.#virtualizer.measureElement(row);
  };

  show(index: number, align: Align = 'auto'): void {
    this.#target = { index, align };
    this.#virtualizer.scrollToIndex(index, { align });
    this.#host.requestUpdate();
  }
}
