/**
 * Writes figures as people of a language read them: its decimal point and its groups of digits, and a true minus.
 *
 * @param language a BCP 47 tag
 */
export function figuresIn(language: string) {
  const writer = (options: Intl.NumberFormatOptions) => {
    const { format } = new Intl.NumberFormat(language, { signDisplay: 'negative', ...options });
    return (value: number) => format(value).replaceAll('-', '−');
  };
  const plain = writer({});
  const groups = writer({ maximumFractionDigits: 0 });
  const significant = writer({ maximumSignificantDigits: 4 });
  const power = writer({ notation: 'scientific', minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const rough = writer({ minimumSignificantDigits: 2, maximumSignificantDigits: 2 });
  const ungrouped = writer({ useGrouping: false, maximumSignificantDigits: 17 });
  const decimals = [0, 1, 2, 3, 4].map(digits =>
    writer({ minimumFractionDigits: digits, maximumFractionDigits: digits }),
  );
  const decimal = (value: number, digits: 0 | 1 | 2 | 3 | 4) => decimals[digits]!(value);
  const percent = (rate: number) => decimal(100 * rate, 1);
  // A comma between decimals cannot part two figures as well.
  const separator = decimal(0.5, 1).includes(',') ? '; ' : ', ';
  return {
    /** As it is, but for what stands behind the third decimal. */
    figure: plain,
    /** Without decimals. */
    whole: groups,
    /** With so many decimals. */
    decimal,
    /** Four digits that count; small ones with a power of ten. */
    exact: (value: number) =>
      value !== 0 && Math.abs(value) < 0.001 ? power(value).replace('E', 'e') : significant(value),
    /** Two digits that count. */
    rough,
    /** With all its digits: what is asked for in a setting, like a seed or a learning rate. */
    ungrouped,
    /** A rate in per cent, without the sign. */
    percent,
    /** A difference of rates in points, with its sign. */
    signed: (rate: number) => {
      const text = percent(rate);
      return text.startsWith('−') ? text : `+${text}`;
    },
    /** An interval between two figures that are written already: `[60.1, 64.5]`, `[60,1; 64,5]`. */
    range: (low: string, high: string) => `[${low}${separator}${high}]`,
    /** Day and time in the zone of this machine. @param date in ISO 8601 */
    moment: (date: string) => new Date(date).toLocaleString(language),
  };
}
