import { LitElement } from 'lit';

/** A view of the editor. */
export abstract class View extends LitElement {
  /** No shadow tree: one style sheet serves the whole view. */
  protected override createRenderRoot(): HTMLElement {
    return this;
  }
}
