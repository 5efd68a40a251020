import { html, type TemplateResult } from 'lit';

/** A number with its words that leads to the rows it counts. @param isShown whether they are what is shown now */
export function renderCounted(
  words: string | TemplateResult,
  isShown: boolean,
  show: () => void,
): TemplateResult {
  return html`<button type="button" class="jump" aria-pressed=${isShown} @click=${show}>${words}</button>`;
}
