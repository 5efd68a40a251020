import { describe, expect, it } from 'vitest';
import { scrub } from '../../../src/jobs/scrub.ts';

const cases: readonly (readonly [string, string, string])[] = [
  ['keeps paths below the workspace', 'read /home/me/ws/runs/5.json in 3 s', 'read ./runs/5.json in 3 s'],
  ['keeps of other paths the file alone', 'open /home/me/secret/notes.txt failed', 'open …/notes.txt failed'],
  ['the same on Windows', String.raw`open C:\Users\me\notes.txt failed`, String.raw`open …\notes.txt failed`],
  [
    'keeps the place of a stack trace',
    '    at run (file:///home/me/.vscode/extensions/lrat/dist/cli.mjs:10:20)',
    '    at run (file://…/cli.mjs:10:20)',
  ],
  [
    'takes out what is quoted: it may be of a log',
    `Unexpected token 'W', "Who was th"... is not valid JSON; “two\nlines”`,
    'Unexpected token “…”, “…”... is not valid JSON; “…”',
  ],
  [
    'takes out keys',
    'a header was Bearer abc.def, the key sk-proj-0123456789',
    'a header was bearer … the key …',
  ],
  ['takes out what is said to be secret', 'authorization: Basic abc def', 'authorization: …'],
  [
    'takes out where an endpoint is',
    'POST https://me:pw@host.example/v1/chat?key=1 gave 401',
    'POST https://… gave 401',
  ],
  ['leaves words alone', "the log's 3/4 part, it isn't read", "the log's 3/4 part, it isn't read"],
];

describe('a log that strangers may read', () => {
  it.each(cases)('%s', (_, text, expected) => {
    expect(scrub(text, '/home/me/ws')).toBe(expected);
  });
});
