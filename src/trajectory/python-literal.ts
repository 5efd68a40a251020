const escapes: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  a: '\x07',
  b: '\b',
  f: '\f',
  v: '\v',
  '0': '\0',
  '\n': '',
};
/** Python's own, and JSON's: a JSON text that was cut off is read here too. */
const constants: Readonly<Record<string, unknown>> = {
  None: null,
  True: true,
  False: false,
  null: null,
  true: true,
  false: false,
};
/** Deeper than any tool's answer; what is deeper is no literal worth reading. */
const deepest = 100;

/**
 * The value of a Python literal of dicts, lists, tuples, texts and numbers, as `repr` writes it: many agents log their
 * tools' answers so. A literal that was cut off gives what stands before the cut. Undefined if it is no literal.
 */
export function parsePythonLiteral(text: string): unknown {
  const parser = new LiteralParser(text);
  const value = parser.value(0);
  return parser.failed || !parser.atEnd() ? undefined : value;
}

class LiteralParser {
  readonly #text: string;
  #at = 0;
  failed = false;

  constructor(text: string) {
    this.#text = text;
  }

  atEnd(): boolean {
    this.#skipSpace();
    return this.#at >= this.#text.length;
  }

  value(depth: number): unknown {
    this.#skipSpace();
    const start = this.#text[this.#at];
    if (depth > deepest || start === undefined) return this.#fail();
    if (start === "'" || start === '"') return this.#string(start);
    if (start === '{') return this.#dict(depth);
    if (start === '[') return this.#list(']', depth);
    if (start === '(') return this.#list(')', depth);
    const word = /[-+.\w]+/y;
    word.lastIndex = this.#at;
    const [token] = word.exec(this.#text) ?? [''];
    this.#at += token.length;
    if (Object.hasOwn(constants, token)) return constants[token];
    const number = token === '' ? Number.NaN : Number(token);
    return Number.isNaN(number) && token !== 'nan' ? this.#fail() : number;
  }

  #dict(depth: number): unknown {
    // Entries and not assignment: a key named __proto__ is a key like any other.
    const entries: [string, unknown][] = [];
    this.#at++;
    while (this.#next('}')) {
      const key = this.value(depth + 1);
      this.#skipSpace();
      if (this.#at >= this.#text.length) break;
      if (this.failed || this.#text[this.#at] !== ':') return this.#fail();
      this.#at++;
      if (this.atEnd()) break;
      const value = this.value(depth + 1);
      if (this.failed) return undefined;
      entries.push([String(key), value]);
    }
    return Object.fromEntries(entries);
  }

  #list(end: string, depth: number): unknown {
    const items: unknown[] = [];
    this.#at++;
    while (this.#next(end)) {
      items.push(this.value(depth + 1));
      if (this.failed) return undefined;
    }
    return items;
  }

  /** Moves to the next item of a container; false (and past the end) if there is none. */
  #next(end: string): boolean {
    this.#skipSpace();
    if (this.#text[this.#at] === ',') this.#at++;
    this.#skipSpace();
    if (this.failed || this.#at >= this.#text.length) return false;
    if (this.#text[this.#at] !== end) return true;
    this.#at++;
    return false;
  }

  #string(quote: string): string {
    const plain = quote === "'" ? /[^'\\]*/y : /[^"\\]*/y;
    let out = '';
    this.#at++;
    for (;;) {
      plain.lastIndex = this.#at;
      plain.test(this.#text);
      out += this.#text.slice(this.#at, plain.lastIndex);
      this.#at = plain.lastIndex;
      if (this.#at >= this.#text.length) return out;
      if (this.#text[this.#at] === quote) {
        this.#at++;
        return out;
      }
      out += this.#escape();
      this.#at++;
    }
  }

  /** The character that the escape at the cursor stands for; leaves the cursor on the escape's last character. */
  #escape(): string {
    const code = /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8}))/y;
    code.lastIndex = this.#at;
    const match = code.exec(this.#text);
    if (match !== null) {
      const point = Number.parseInt(match[1] ?? match[2] ?? match[3]!, 16);
      if (point <= 0x10ffff) {
        this.#at += match[0].length - 1;
        return String.fromCodePoint(point);
      }
    }
    const next = this.#text[++this.#at];
    return next === undefined ? '' : (escapes[next] ?? (/['"\\]/.test(next) ? next : `\\${next}`));
  }

  #skipSpace(): void {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at++;
  }

  #fail(): undefined {
    this.failed = true;
    return undefined;
  }
}
