import { describe, expect, it } from 'vitest';
import { commandLine, fileCommand, programOf, shellOutput } from '../../../src/trajectory/shell.ts';

const of = (line: string) => fileCommand(line);

describe('a command line that searches', () => {
  it.each([
    ['grep -rn "a b" src', 'a b', 'src'],
    ["rg -n --glob '*.ts' 'x|y' src/a.ts", 'x|y', 'src/a.ts'],
    ['rg -A 3 -B3 needle', 'needle', null],
    ['grep -e needle one two', 'needle', null],
    ['git grep -n needle -- src', 'needle', 'src'],
    ["find . -type f -name '*.md' 2>/dev/null | head -20", '*.md', '.'],
    ['find src | grep berth', 'berth', 'src'],
    ['find . -name "*.py" | xargs grep -ln tide', 'tide', '.'],
    ['rg --files | rg tide', 'tide', null],
    ["rg --files -g '*.md' docs", '*.md', 'docs'],
    ['LC_ALL=C grep -c x a.txt || true', 'x', 'a.txt'],
    ['cat notes.md | grep -i harbour', 'harbour', 'notes.md'],
    // Which options take a value differs by program.
    ['fd -e ts walrus src', 'walrus', 'src'],
    ['fd -tf -HI walrus', 'walrus', null],
    ['fd -g "*.ts" src', '*.ts', 'src'],
    ['fd --extension ts', '*.ts', null],
    ['fdfind -C lib walrus', 'walrus', null],
    ['rg --type-add "x:*.x" foo', 'foo', null],
    ['rg -tx -g "*.x" -M 200 foo lib', 'foo', 'lib'],
    ['rg --files -t ts lib -g "*.md"', '*.md', 'lib'],
    ['rg --type=ts foo', 'foo', null],
    ['grep -g foo a.txt', 'foo', 'a.txt'],
    ['grep --regexp=foo -rn a.txt', 'foo', 'a.txt'],
    ['grep -e foo -e bar a.txt', 'foo', 'a.txt'],
    ['grep -efoo a.txt', 'foo', 'a.txt'],
    ['grep -rn -- -x a.txt', '-x', 'a.txt'],
    ['ag -f -C foo lib', 'foo', 'lib'],
    ['ag -C 2 foo lib', 'foo', 'lib'],
    ['ag -g foo lib', 'foo', 'lib'],
    ['ack --match foo lib', 'foo', 'lib'],
    // What a shell puts nothing in for.
    ["grep '$FILE' a.txt", '$FILE', 'a.txt'],
    ['grep "foo$" a.txt', 'foo$', 'a.txt'],
    ['grep -n "\\$FILE" a.txt', '$FILE', 'a.txt'],
    ['rg ^$ a.txt', '^$', 'a.txt'],
  ])('%s', (line, query, path) => {
    expect(of(line)).toEqual({ kind: 'code-search', folder: null, query, path });
  });

  it('goes to a folder first, and may be inside another shell', () => {
    expect(of('cd /repo && cd src; rg needle')).toMatchObject({ folder: '/repo/src', query: 'needle' });
    expect(of('bash -lc "cd /repo && rg needle"')).toMatchObject({ folder: '/repo', query: 'needle' });
    expect(fileCommand('cd src && rg needle', '/repo')).toMatchObject({ folder: '/repo/src' });
  });
});

describe('a command line that reads', () => {
  it.each([
    ['cat a.md', ['a.md'], null],
    ['cat \'a b.md\' "c.md" d\\ e.md', ['a b.md', 'c.md', 'd e.md'], null],
    ['sed -n 10,40p src/a.ts', ['src/a.ts'], { from: 10, to: 40 }],
    ["sed -n '7p' a", ['a'], { from: 7, to: 7 }],
    ["sed -n '7,$p' a", ['a'], { from: 7, to: null }],
    ["nl -ba a.ts | sed -n '5,9p'", ['a.ts'], { from: 5, to: 9 }],
    ['head -n 20 a', ['a'], { from: 1, to: 20 }],
    ['head -5 a', ['a'], { from: 1, to: 5 }],
    ['head a', ['a'], { from: 1, to: 10 }],
    ['head -c 100 a', ['a'], null],
    ['tail -n +30 a | head -n 5', ['a'], { from: 30, to: 34 }],
    ['tail -n 30 a', ['a'], null],
    ['bat -l ts --theme plain a.ts', ['a.ts'], null],
    ['nl -b a -w 4 a.ts', ['a.ts'], null],
    ["cat 'a$b.ts' a\\$c.ts app/[id].ts", ['a$b.ts', 'a$c.ts', 'app/[id].ts'], null],
  ])('%s', (line, paths, lines) => {
    expect(of(line)).toEqual({ kind: 'browse', folder: null, paths, lines });
  });
});

describe('other command lines', () => {
  it.each([
    '',
    'ls -la',
    'cat > a.py <<EOF\nx\nEOF',
    'cat a > b',
    'sed -i s/a/b/ a.ts',
    'sed s/a/b/ a.ts',
    'cat *.md',
    'cat a | python -m json.tool',
    'cat a; rm a',
    'grep x a && rm a',
    'cat $(git ls-files)',
    'cat "$FILE"',
    'cat $f',
    `cat "src/\${name}.ts"`,
    'cat src/{a,b}.ts',
    "cat $'a'",
    'sed -n "1,$end p" a.ts',
    'grep "$PATTERN" src',
    'rg foo $DIR',
    'cd $HOME && cat a.ts',
    'grep -f patterns.txt src',
    'fd -e ts -x rm',
    'fd --exec rm {} \\; foo',
    'ack -f lib',
    'find . -name x -exec rm {} ;',
    'find . -name x -delete',
    'find . -type d',
    'rg --files',
    'cd src',
    "grep 'open",
    `cat ${'a'.repeat(5000)}`,
  ])('are nothing that is known: %s', line => {
    expect(of(line)).toBeNull();
  });

  it('are known by what they run', () => {
    expect(['FOO=1 python x.py', 'edit 1:2 <<EOF', ' ls', ''].map(programOf)).toEqual([
      'python',
      'edit',
      'ls',
      '',
    ]);
  });
});

describe('calls of a shell', () => {
  it('give their line as a text, as words, or in another shell', () => {
    expect(commandLine({ command: 'ls' })).toBe('ls');
    expect(commandLine({ cmd: 'ls' })).toBe('ls');
    expect(commandLine({ command: ['bash', '-lc', 'rg "a b"'] })).toBe('rg "a b"');
    expect(of(commandLine({ command: ['rg', "it's", 'src'] })!)).toMatchObject({ query: "it's" });
    expect(commandLine({ command: [1] })).toBeNull();
    expect(commandLine(null)).toBeNull();
  });

  it('write what the tools put around', () => {
    expect(shellOutput('{"output":"a\\nb","metadata":{"exit_code":0}}')).toBe('a\nb');
    expect(shellOutput('Exit code: 0\nWall time: 0.1 seconds\nOutput:\na')).toBe('a');
    expect(shellOutput('a\n[The command completed with exit code 0.]\n[Current working directory: /r]')).toBe(
      'a',
    );
    expect(shellOutput('{"a": 1}')).toBe('{"a": 1}');
  });
});
