import {
  elementScroll,
  observeElementOffset,
  observeElementRect,
  Virtualizer,
  type VirtualizerOptions,
} from '@tanstack/virtual-core';
import type { ReactiveController, ReactiveControllerHost } from 'lit';

/** A list that renders only what is on the screen, for a lit element; rows may have any height. */
export class VirtualList implements ReactiveController {
  readonly #host: ReactiveControllerHost;
  readonly #scroller: () => HTMLElement | null;
  #virtualizer: Virtualizer<HTMLElement, HTMLElement>;
  #options: VirtualizerOptions<HTMLElement, HTMLElement>;
  #unmount: (() => void) | undefined;

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
    if (this.#scroller() !== null) this.#virtualizer._willUpdate();
  }

  /** Rows to render, with their offset from the top of the list. */
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

  show(index: number, align: 'auto' | 'start' | 'center' = 'auto'): void {
    this.#virtualizer.scrollToIndex(index, { align });
    this.#host.requestUpdate();
  }
}
