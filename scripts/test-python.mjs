// The Python conformance lane: a virtual environment of its own in .cache/python, models made by LRAT, and pytest.
// Its last line gives the true totals.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { miniLm } from '../test/bench/minilm.ts';
import { finish, record, root, total } from './results.mjs';

/** Installed one after the other: PyTorch first, so that the others are content with it. */
const packages = [
  ['torch==2.13.0'],
  ['sentence-transformers==6.2.0', 'sentencepiece==0.2.3', 'pytest==9.2.0'],
];
const folder = join(root, '.cache', 'python');
const windows = process.platform === 'win32';
const python = join(folder, windows ? 'Scripts/python.exe' : 'bin/python');
const tests = join(root, 'test', 'python');

/** @param {string} program @param {string[]} args */
function run(program, args, env = {}) {
  const options = { cwd: root, stdio: ['ignore', 2, 'inherit'], env: { ...process.env, ...env } };
  return spawnSync(program, args, options).status === 0;
}

/** @param {{ passed: number, failed: number, skipped: number }} counts */
function end(counts) {
  record('python', counts);
  finish(total(['python']));
}

/** A failure that is of no test. @param {string} message */
function missing(message) {
  return { passed: 0, failed: 1, skipped: 0, failures: [{ name: 'pytest', message }] };
}

/** @param {string} text an attribute of XML */
function plain(text) {
  const characters = { '#10': '\n', lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };
  return text.replace(/&(#10|lt|gt|quot|apos|amp);/g, (_, name) => characters[name]);
}

/** Ends the lane: its tests could not run, which is not the same as that they passed. */
function skip(reason) {
  console.error(`Python tests skipped: ${reason}`);
  const skipped = readdirSync(tests)
    .filter(name => /^test_.*\.py$/.test(name))
    .flatMap(name => [...readFileSync(join(tests, name), 'utf8').matchAll(/^def test_/gm)]).length;
  end({ passed: 0, failed: 0, skipped });
}

const stamp = join(folder, '.lrat-setup');
const wanted = createHash('sha256').update(JSON.stringify(packages)).digest('hex');
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
  console.error('Setting up Python (once; a few minutes)…');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(root, '.cache'), { recursive: true });
  const system = windows ? 'python' : 'python3';
  if (!run(system, ['--version'])) skip('there is no Python; install Python 3.10 or later.');
  if (!run(system, ['-m', 'venv', folder])) {
    skip(
      'python3 cannot make a virtual environment; install its venv module (Debian, Ubuntu: python3-venv).',
    );
  }
  for (const names of packages) {
    if (!run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...names])) {
      skip(
        `pip cannot install ${names.join(' ')}; make the Python package index reachable and run this again.`,
      );
    }
  }
  writeFileSync(stamp, wanted);
}

const made = mkdtempSync(join(tmpdir(), 'lrat-python-'));
const report = join(made, 'report.xml');
let counts;
try {
  if (run('node', [join(tests, 'prepare.ts'), made])) {
    const options = ['-q', '-p', 'no:cacheprovider', `--junitxml=${report}`];
    run(python, ['-m', 'pytest', ...options, tests], {
      LRAT_PREPARED: made,
      LRAT_MINILM: miniLm() ?? '',
      HF_HUB_OFFLINE: '1',
      PYTHONDONTWRITEBYTECODE: '1',
    });
    const xml = readFileSync(report, 'utf8');
    const count = name => Number(new RegExp(`<testsuite\\b[^>]*\\b${name}="(\\d+)"`).exec(xml)?.[1] ?? 0);
    const failed = count('failures') + count('errors');
    const failures = [
      ...xml.matchAll(/<testcase\b[^>]*\bname="([^"]*)"[^>]*><(?:failure|error)\b[^>]*\bmessage="([^"]*)"/g),
    ];
    counts = {
      passed: count('tests') - failed - count('skipped'),
      failed,
      skipped: count('skipped'),
      failures: failures.map(([, name, message]) => ({ name: plain(name), message: plain(message) })),
    };
    // A run without any test is a failure too.
    if (count('tests') === 0) counts = missing('pytest found no test.');
  } else counts = missing('The models for the comparison could not be made.');
} catch (error) {
  counts = missing(`pytest left no report: ${error.message}`);
} finally {
  rmSync(made, { recursive: true, force: true });
}
end(counts);
