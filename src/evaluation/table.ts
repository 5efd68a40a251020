/** A value with its 95 % interval. */
export interface Estimate {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** How numbers are shown: multiplied by `scale`, with `digits` after the point. */
export interface NumberFormat {
  readonly scale: number;
  readonly digits: number;
}

/** Rates and differences of rates, in per cent and points. */
export const percent: NumberFormat = { scale: 100, digits: 1 };

/** With a true minus sign; what rounds to zero has none. */
export function formatNumber(value: number, { scale, digits }: NumberFormat = percent): string {
  const text = Math.abs(value * scale).toFixed(digits);
  return value < 0 && Number(text) !== 0 ? `−${text}` : text;
}

/** `62.3 [60.1, 64.5]` */
export function formatInterval({ mean, low, high }: Estimate, format: NumberFormat = percent): string {
  return `${formatNumber(mean, format)} [${formatNumber(low, format)}, ${formatNumber(high, format)}]`;
}

/** Plain text in columns: the first to the left, the others, which are numbers, to the right. */
export function alignTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...lines.map(cells => width(cells[column]!))));
  return lines
    .map(cells =>
      cells
        .map((cell, column) => {
          const padding = ' '.repeat(widths[column]! - width(cell));
          return column === 0 ? cell + padding : padding + cell;
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function width(text: string): number {
  return [...text].length;
}
