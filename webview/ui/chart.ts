import { type PlotOptions, plot } from '@observablehq/plot';

/** Plot writes a style element into every chart, which our policy refuses; `style.css` says all of it in its place. */
const inert = document.implementation.createHTMLDocument('');

/**
 * A chart as SVG. Colours are theme variables (`var(--…)`), which presentation attributes understand.
 *
 * @param label what it shows, in words: its text alternative
 */
export function drawChart(label: string, options: PlotOptions): Element {
  const chart = plot({
    ...options,
    document: inert,
    className: 'chart',
    ariaLabel: label,
  });
  for (const style of chart.querySelectorAll('style')) style.remove();
  chart.setAttribute('role', 'img');
  // An image is one thing to a screen reader: the names that Plot gives to lines and groups belong to nothing in it.
  for (const part of chart.querySelectorAll('[aria-label]')) part.removeAttribute('aria-label');
  return document.adoptNode(chart);
}
