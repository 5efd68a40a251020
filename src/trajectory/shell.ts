/** Command lines of a shell, as code agents search and read files with them. */

import type { Lines } from './files.ts';
import { field, isFields, parseStructured, textField } from './values.ts';

/** What a command line does with files, if it does one thing with them that is known. */
export type FileCommand = {
  /** Where it is run, or goes first: paths are told from there. */
  readonly folder: string | null;
} & (
  | { readonly kind: 'code-search'; readonly query: string; readonly path: string | null }
  | { readonly kind: 'browse'; readonly paths: readonly string[]; readonly lines: Lines | null }
);

/** One command of a line, and what joins it to the one before: `|`, `&&`, `||`, `;`, or nothing for the first. */
interface Command {
  readonly words: readonly string[];
  readonly joint: string;
}

/** A longer line is a script. */
const longestLine = 4000;

const greps: ReadonlySet<string> = new Set(['grep', 'egrep', 'fgrep', 'rg', 'ag', 'ack']);
const finders: ReadonlySet<string> = new Set(['find', 'fd', 'fdfind']);
const readers: ReadonlySet<string> = new Set(['cat', 'bat', 'less', 'more', 'nl', 'head', 'tail', 'sed']);
/** Programs behind a pipe that leave lines as they are. */
const filters: ReadonlySet<string> = new Set([...greps, ...readers, 'sort', 'uniq', 'xargs']);

/** Whether a name is that of a program that searches or shows files in a shell, whatever a tool of that name may do. */
export function isFileProgram(name: string): boolean {
  return greps.has(name) || finders.has(name) || readers.has(name) || name === 'git';
}

/** The line, or the words of it, that a call of a shell tool asks to be run. */
export function commandLine(input: unknown): string | null {
  const command = typeof input === 'string' ? input : (field(input, 'command') ?? field(input, 'cmd'));
  if (typeof command === 'string') return command;
  if (!Array.isArray(command) || !command.every(word => typeof word === 'string')) return null;
  const [, option, script] = command as string[];
  return isShellCall(command as string[]) && option !== undefined && script !== undefined
    ? script
    : command.map(quoted).join(' ');
}

/** Where a call of a shell tool asks it to be run. */
export function commandFolder(input: unknown): string | null {
  return textField(input, 'workdir', 'cwd', 'working_directory');
}

/** The first word of a line: what it runs. */
export function programOf(line: string): string {
  return (commandsOf(line)?.[0]?.words[0] ?? /\S*/.exec(line.trim())![0]).slice(0, 100);
}

/** The words of a line that is one command, without what it runs; none if it is more than that. */
export function argumentsOf(line: string): readonly string[] {
  const [command, ...others] = commandsOf(line) ?? [];
  return others.length > 0 ? [] : (command?.words.slice(1) ?? []);
}

/**
 * What a line does with files; null if that is nothing, more than one thing, or not to be told.
 * @param begin the folder in which it is run, where that is known
 */
export function fileCommand(line: string, begin: string | null = null): FileCommand | null {
  let commands = commandsOf(line);
  const inner = commands?.length === 1 && isShellCall(commands[0]!.words) ? commands[0]!.words[2] : undefined;
  if (inner !== undefined) commands = commandsOf(inner);
  if (commands === null) return null;
  let folder = begin;
  let from = 0;
  for (; from + 1 < commands.length && commands[from]!.words[0] === 'cd'; from++) {
    const target = commands[from]!.words[1];
    if (target === undefined || !/^(?:&&|;)$/.test(commands[from + 1]!.joint)) return null;
    folder = folder === null || /^[/~]/.test(target) ? target : `${folder}/${target}`;
  }
  const [first, ...others] = commands.slice(from);
  if (first === undefined) return null;
  const piped = others.filter(({ joint, words }) => !(joint === '||' && /^(?:true|echo|:)$/.test(words[0]!)));
  if (!piped.every(({ joint, words }) => joint === '|' && filters.has(words[0]!))) return null;
  const then = piped.map(({ words }) => words);
  const found = searchOf(first.words, then) ?? readingOf(first.words, then);
  return found === null ? null : { folder, ...found };
}

type Found = FileCommand extends infer Kind ? (Kind extends unknown ? Omit<Kind, 'folder'> : never) : never;

/** A search for words, or for names: `grep`, `rg`, `find`, also where one program lists files and another picks them. */
function searchOf(words: readonly string[], then: readonly (readonly string[])[]): Found | null {
  const own = ownSearch(words);
  if (own === null) return null;
  const picks = then.flatMap(filter => patternOf(filter[0] === 'xargs' ? afterXargs(filter) : filter) ?? []);
  const picksInFiles = then.some(filter => filter[0] === 'xargs');
  const query = picksInFiles ? picks.at(-1)?.query : (own.query ?? picks[0]?.query);
  return query === undefined || query === null ? null : { kind: 'code-search', query, path: own.path };
}

/** What a program searches for, and where; its query is null if it lists all files. Null if it does not search. */
function ownSearch(words: readonly string[]): { query: string | null; path: string | null } | null {
  const [program, second] = words;
  if (program === 'git') {
    if (second === 'grep') return patternOf(words.slice(1));
    return second === 'ls-files' ? { query: words[2] ?? null, path: null } : null;
  }
  if (program === 'find') return findOf(words);
  if (program === 'rg' && words.includes('--files')) {
    const { given, others } = told(words);
    return { query: givenTo(given, 'g', 'glob', 'iglob'), path: others[0] ?? null };
  }
  return finders.has(program!) || greps.has(program!) ? patternOf(words) : null;
}

function findOf(words: readonly string[]): { query: string | null; path: string | null } | null {
  if (words.some(word => /^-(?:exec|execdir|ok|delete|fprint\w*)$/.test(word))) return null;
  const names = words.flatMap((word, i) =>
    /^-i?(?:name|path|wholename|regex)$/.test(word) ? (words[i + 1] ?? []) : [],
  );
  const path = words[1] === undefined || /^[-(!]/.test(words[1]) ? null : words[1];
  return { query: names.length === 0 ? null : names.join(' '), path };
}

/** How a program reads its words. Options are named by their letter or their long name. */
interface Usage {
  /** Options whose value may be the next word. */
  readonly values: ReadonlySet<string>;
  /** Options whose value is the next word if that is a number. */
  readonly numbers?: ReadonlySet<string>;
  /** Options whose value is what is searched for. */
  readonly pattern?: readonly string[];
  /** Options under which the line does not tell what is searched for, or more is done than to search. */
  readonly untold?: readonly string[];
}

const options = (letters: string, names: string): ReadonlySet<string> =>
  new Set([...letters, ...names.split(' ')]);

const ofGrep: Usage = {
  values: options(
    'ABCDdefm',
    'after-context before-context binary-files context devices directories exclude exclude-dir exclude-from file group-separator include label max-count max-depth regexp threads',
  ),
  pattern: ['e', 'regexp'],
  untold: ['f', 'file'],
};
const ofFd: Usage = {
  values: options(
    'CESXcdejotx',
    'and base-directory batch-size change-newer-than change-older-than changed-before changed-within color exact-depth exclude exec exec-batch extension format ignore-file max-depth max-results min-depth newer older owner path-separator search-path size threads type',
  ),
  untold: ['x', 'X', 'exec', 'exec-batch'],
};
const usages: ReadonlyMap<string, Usage> = new Map([
  ['grep', ofGrep],
  ['egrep', ofGrep],
  ['fgrep', ofGrep],
  [
    'rg',
    {
      ...ofGrep,
      values: options(
        'ABCEMTdefgjmrt',
        'after-context before-context color colors context context-separator dfa-size-limit encoding engine field-context-separator field-match-separator file glob hostname-bin hyperlink-format iglob ignore-file max-columns max-count max-depth max-filesize maxdepth path-separator pre pre-glob regex-size-limit regexp replace sort sortr threads type type-add type-clear type-not',
      ),
    },
  ],
  [
    'ag',
    {
      values: options(
        'GWgmp',
        'depth file-search-regex ignore ignore-dir max-count pager path-to-ignore width workers',
      ),
      numbers: options('ABC', 'after before context'),
      pattern: ['g'],
    },
  ],
  [
    'ack',
    {
      values: options(
        'Tgmt',
        'ignore-dir ignore-directory ignore-file match max-count output pager range-end range-start type type-add type-del type-set',
      ),
      numbers: options('ABC', 'after-context before-context context'),
      pattern: ['g', 'match'],
      // It lists files.
      untold: ['f'],
    },
  ],
  ['fd', ofFd],
  ['fdfind', ofFd],
  [
    'bat',
    {
      values: options(
        'Hlmr',
        'binary color decorations diff-context file-name highlight-line ignored-suffix italic-text language line-range map-syntax nonprintable-notation pager paging squeeze-limit strip-ansi style tabs terminal-width theme theme-dark theme-light wrap',
      ),
    },
  ],
  ['less', { values: options('DOPTbhjkoptxyz', 'pattern prompt tabs') }],
  ['more', { values: options('n', 'lines') }],
  [
    'nl',
    {
      values: options(
        'bdfhilnsvw',
        'body-numbering footer-numbering header-numbering join-blank-lines line-increment number-format number-separator number-width section-delimiter starting-line-number',
      ),
    },
  ],
]);

/** The words of a command told apart. */
interface Told {
  /** The values of its options, of several the first; null for one without. */
  readonly given: ReadonlyMap<string, string | null>;
  /** What it names besides: a pattern, files. */
  readonly others: readonly string[];
}

function told([program, ...words]: readonly string[]): Told {
  const { values = new Set(), numbers } = usages.get(program!) ?? {};
  const given = new Map<string, string | null>();
  const others: string[] = [];
  const give = (option: string, value: string | null): void => {
    given.set(option, given.get(option) ?? value);
  };
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    const next = (option: string): string | null => {
      const takesNext = values.has(option) || (numbers?.has(option) && /^\d+$/.test(words[i + 1] ?? ''));
      return takesNext ? (words[++i] ?? null) : null;
    };
    if (word === '--') return { given, others: [...others, ...words.slice(i + 1)] };
    if (word.startsWith('--')) {
      const [, name, value] = /^--([^=]*)(?:=([\s\S]*))?$/.exec(word)!;
      give(name!, value ?? next(name!));
    } else if (word.length > 1 && word.startsWith('-')) {
      // Letters in one word: what follows one that takes a value is this value.
      const letters = [...word.slice(1)];
      const valued = letters.findIndex(letter => values.has(letter));
      const plain = valued < 0 ? letters : letters.slice(0, valued);
      for (const letter of plain) give(letter, null);
      const last = letters.at(-1)!;
      if (valued >= 0) give(letters[valued]!, letters.slice(valued + 1).join('') || next(letters[valued]!));
      else give(last, next(last));
    } else others.push(word);
  }
  return { given, others };
}

/**
 * What a grep looks for, and in what file or folder, if that is one. Null if it does
 * something else, or the line does not tell.
 */
function patternOf(words: readonly string[]): { query: string; path: string | null } | null {
  const [program] = words;
  if (!greps.has(program!) && !finders.has(program!)) return null;
  const { pattern = [], untold = [] } = usages.get(program!) ?? {};
  const { given, others } = told(words);
  const named = givenTo(given, ...pattern);
  if (named === null && untold.some(option => given.has(option))) return null;
  const [first = null, ...rest] = others;
  const extension = finders.has(program!) ? givenTo(given, 'e', 'extension') : null;
  const query = named ?? first ?? (extension === null ? null : `*.${extension}`);
  const places = named === null ? rest : others;
  return query === null ? null : { query, path: places.length === 1 ? places[0]! : null };
}

function givenTo(given: Told['given'], ...names: readonly string[]): string | null {
  for (const name of names) {
    const value = given.get(name) ?? null;
    if (value !== null) return value;
  }
  return null;
}

function afterXargs(words: readonly string[]): readonly string[] {
  const program = words.findIndex((word, i) => i > 0 && greps.has(word));
  return program < 0 ? [] : words.slice(program);
}

/** A path that stands for several, or for what it does not tell. */
const isPattern = /[*?<>]|\{[^{}]*(?:,|\.\.)[^{}]*\}/;

/** The reading of a file, or of lines of it: `cat`, `head`, `sed -n 1,40p`, also one behind the other. */
function readingOf(words: readonly string[], then: readonly (readonly string[])[]): Found | null {
  const shown = shownBy(words);
  if (shown === null || shown.paths.length === 0 || shown.paths.some(path => isPattern.test(path)))
    return null;
  let lines: Lines | null = shown.lines;
  for (const filter of then) {
    const search = patternOf(filter);
    if (search !== null) {
      const [path] = shown.paths;
      return { kind: 'code-search', query: search.query, path: shown.paths.length === 1 ? path! : null };
    }
    const within = shownBy(filter);
    if (within === null) return null;
    lines = narrowed(lines, within.lines);
  }
  return { kind: 'browse', paths: shown.paths, lines };
}

/** What files a reader names and what lines it shows of them; null if it changes them, or does something else. */
function shownBy(words: readonly string[]): { paths: string[]; lines: Lines | null } | null {
  const [program, ...rest] = words;
  if (!readers.has(program!))
    return program === 'sort' || program === 'uniq' ? { paths: [], lines: null } : null;
  if (program === 'sed') return sedOf(rest);
  if (program !== 'head' && program !== 'tail') return { paths: [...told(words).others], lines: null };
  const paths: string[] = [];
  let count: string | null = '10';
  for (let i = 0; i < rest.length; i++) {
    const word = rest[i]!;
    const number = /^(?:-n|--lines=)?([-+]?\d+)$/.exec(word);
    if (word === '-n' || word === '--lines') count = rest[++i] ?? null;
    else if (/^(?:-c|--bytes)/.test(word)) {
      if (word === '-c' || word === '--bytes') i++;
      count = null;
    } else if (number !== null && /^[-+]/.test(word)) count = number[1]!.replace(/^-/, '');
    else if (!word.startsWith('-')) paths.push(word);
  }
  return { paths, lines: countedLines(program!, count) };
}

function countedLines(program: string, count: string | null): Lines | null {
  if (count === null || !/^\+?\d{1,9}$/.test(count)) return null;
  const number = Math.max(Number(count), 1);
  if (program === 'head') return { from: 1, to: number };
  return count.startsWith('+') ? { from: number, to: null } : null;
}

/** `sed -n 10,40p file`; any other use of `sed` changes what it shows. */
function sedOf(words: readonly string[]): { paths: string[]; lines: Lines | null } | null {
  const [script, ...paths] = words.filter(word => word !== '-n' && word !== '-e');
  const [, from, to] = /^(\d{1,9})(?:,(\d{1,9}|\$))?p$/.exec(script ?? '') ?? [];
  if (from === undefined || !words.includes('-n') || paths.some(path => path.startsWith('-'))) return null;
  const start = Math.max(Number(from), 1);
  return { paths, lines: { from: start, to: to === '$' ? null : Math.max(Number(to ?? from), start) } };
}

/** Lines of lines: those that are shown second, counted from where the first begin. */
function narrowed(outer: Lines | null, inner: Lines | null): Lines | null {
  if (outer === null || inner === null) return inner ?? outer;
  const shift = outer.from - 1;
  const to = inner.to === null ? outer.to : inner.to + shift;
  return { from: inner.from + shift, to: outer.to === null || to === null ? to : Math.min(to, outer.to) };
}

/** `bash -lc "…"` */
function isShellCall(words: readonly string[]): boolean {
  return words.length === 3 && /(?:^|\/)(?:ba|z|da)?sh$/.test(words[0]!) && /^-\w*c$/.test(words[1]!);
}

/** Where a shell puts in a value that the line does not tell: `$FILE`, `${1}`, `$(ls)`. A `$` before anything else is one. */
const expansion = /^\$[\w{(@*#?$!-]/;

/** The commands of a line; null if there is more in it than words, quotes and joints, or if it writes a file. */
function commandsOf(line: string): Command[] | null {
  if (line.length > longestLine) return null;
  const commands: Command[] = [];
  let words: string[] = [];
  let word: string | null = null;
  let joint = '';
  const endWord = (): void => {
    if (word !== null) words.push(word);
    word = null;
  };
  const endCommand = (next: string): void => {
    endWord();
    // What is set for one command is no word of it.
    const program = words.findIndex(each => !/^\w+=/.test(each));
    if (program >= 0) commands.push({ words: words.slice(program), joint });
    words = [];
    joint = next;
  };
  const text = line.trim();
  for (let i = 0; i < text.length; ) {
    const rest = text.slice(i, i + 200);
    const c = text[i]!;
    const discarded = /^(?:\d?>\s*\/dev\/null|&>\s*\/dev\/null|2>&1)(?=[\s|;&]|$)/.exec(rest);
    const operator = /^(?:&&|\|\||[|;\n])/.exec(rest);
    if (discarded !== null && word === null) i += discarded[0].length;
    else if (operator !== null) {
      endCommand(operator[0] === '\n' ? ';' : operator[0]);
      i += operator[0].length;
    } else if (/\s/.test(c)) {
      endWord();
      i++;
    } else if (c === "'") {
      const close = text.indexOf("'", i + 1);
      if (close < 0) return null;
      word = (word ?? '') + text.slice(i + 1, close);
      i = close + 1;
    } else if (c === '"') {
      let said = '';
      for (i++; i < text.length && text[i] !== '"'; i++) {
        if (text[i] === '`' || expansion.test(text.slice(i, i + 2))) return null;
        if (text[i] === '\\' && /["\\$`]/.test(text[i + 1] ?? '')) i++;
        said += text[i] ?? '';
      }
      if (i >= text.length) return null;
      word = (word ?? '') + said;
      i++;
    } else if (c === '\\') {
      if (text[i + 1] !== '\n') word = (word ?? '') + (text[i + 1] ?? '');
      i += 2;
    } else if (c === '#' && word === null) {
      const end = text.indexOf('\n', i);
      i = end < 0 ? text.length : end;
    } else if (/[<>&()`]/.test(c) || expansion.test(rest) || /^\$['"]/.test(rest)) return null;
    else {
      word = (word ?? '') + c;
      i++;
    }
  }
  endCommand('');
  return commands.length === 0 ? null : commands;
}

function quoted(word: string): string {
  return /^[\w./=:,+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** What a command wrote, without what tools say around it: its exit code, its time, the prompt. */
export function shellOutput(output: unknown): unknown {
  const value = typeof output === 'string' && output.startsWith('{"') ? parseStructured(output) : output;
  const written = isFields(value) ? (field(value, 'output') ?? field(value, 'stdout')) : output;
  if (typeof written !== 'string') return output;
  const text = written.replace(
    /^(?:(?:Exit code|Wall time|Chunk ID|Process (?:exited|running)|Original token count|Total output lines)\b[^\n]*\n)+(?:Output:\n)?/,
    '',
  );
  const end = text.slice(-1000);
  const status = /(?:\n\[(?:The command |Command |Current working |Python interpreter)[^\n]*\])+\s*$/.exec(
    end,
  );
  return status === null ? text : text.slice(0, text.length - end.length + status.index);
}
