import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  closeSync,
  cpSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { buildStatic, saveStatic } from '../../src/encoder/static.ts';
import { workspacePaths } from '../../src/workspace/paths.ts';
import { saveRandomModel } from '../unit/encoder/transformer-models.ts';
import { runLog, search, smallRun, temporaryFolder, think, write } from '../unit/workspace/support.ts';
import { answer, lrat } from './command-line.ts';

/** A folder with two sound logs, and their workspace beside it. */
function soundLogs() {
  const folder = temporaryFolder();
  const logs = join(folder, 'logs');
  write(join(logs, 'a.json'), smallRun('q1'));
  write(join(logs, 'b.json'), smallRun('q2'));
  return { folder, logs, run: (...args: string[]) => answer([...args, '--workspace', folder]) };
}

/** A command that must fail with a message for people. */
async function failing(args: readonly string[], options: Parameters<typeof lrat>[1] = {}): Promise<string> {
  const { code, stdout, stderr } = await lrat(args, options);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).not.toMatch(/^\s+at /m);
  return stderr;
}

/** All files below a folder with their content, to see that nothing has changed. */
function contentOf(folder: string): Map<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile());
  return new Map(
    files.map(({ parentPath, name }) => {
      const path = join(parentPath, name);
      return [path, readFileSync(path, 'base64')];
    }),
  );
}

describe('logs that cannot be used', () => {
  it('are problems with place and remedy; the others are read, and none is changed', async () => {
    const { logs, run } = soundLogs();
    const whole = JSON.stringify(smallRun('q3'), null, 1);
    write(join(logs, 'cut.json'), whole.slice(0, whole.length / 2));
    write(
      join(logs, 'cut.jsonl'),
      `${JSON.stringify(smallRun('q4'))}\n{"query_id": "q5\n${JSON.stringify(smallRun('q6'))}\n`,
    );
    writeFileSync(
      join(logs, 'binary.json'),
      Uint8Array.from({ length: 5000 }, (_, i) => (i * i) % 256),
    );
    write(join(logs, 'empty.json'), '');
    write(join(logs, 'unrelated.json'), { name: 'not-a-log', version: '1.0' });
    const before = contentOf(logs);

    const { trajectories, searches, browses, problems } = await run('index', logs);
    expect({ trajectories, searches, browses }).toEqual({ trajectories: 4, searches: 8, browses: 4 });
    const at = whole.slice(0, whole.length / 2).split('\n').length;
    expect(problems).toEqual([
      { log: 'binary.json', place: '', reason: expect.stringMatching(/binary.*Unpack it/) },
      {
        log: 'cut.json',
        place: expect.stringContaining(`line ${at}`),
        reason: expect.stringMatching(/cut off.*Restore it/),
      },
      { log: 'cut.jsonl', place: 'line 2', reason: expect.stringMatching(/Mend the line/) },
      { log: 'empty.json', place: '', reason: expect.stringMatching(/empty.*index again/) },
    ]);
    expect(await run('status')).toMatchObject({ trajectories: 4, problems, notLogs: 1 });
    expect(contentOf(logs)).toEqual(before);

    // A file that a person names must be a log.
    const named = await run('index', join(logs, 'unrelated.json'));
    expect(named.problems).toContainEqual({
      log: 'unrelated.json',
      place: '',
      reason: expect.stringContaining('no log of a known format: it is an object with name, version'),
    });
  });

  it('with a line of 200 MB lose that line alone', async () => {
    const { logs, run } = soundLogs();
    const path = join(logs, 'long.jsonl');
    const descriptor = openSync(path, 'w');
    const piece = Buffer.alloc(20e6, 'x');
    writeSync(descriptor, `${JSON.stringify(smallRun('q3'))}\n"`);
    for (let i = 0; i < 10; i++) writeSync(descriptor, piece);
    writeSync(descriptor, `"\n${JSON.stringify(smallRun('q4'))}\n`);
    closeSync(descriptor);
    const { trajectories, problems } = await run('index', logs);
    expect(trajectories).toBe(4);
    expect(problems).toEqual([
      { log: 'long.jsonl', place: 'line 2', reason: expect.stringMatching(/longer than 64 MiB.*Split/) },
    ]);
  });

  it('that may not be read are told, with what was known of them kept', async () => {
    const folder = temporaryFolder();
    const workspace = join(folder, 'work');
    const logs = join(workspace, 'logs');
    write(join(logs, 'open/a.json'), smallRun('q1'));
    write(join(logs, 'closed/b.json'), smallRun('q2'));
    write(join(logs, 'c.json'), smallRun('q3'));
    // Root may read everything: somebody else does the reading.
    const isRoot = process.getuid?.() === 0;
    const user = isRoot ? { user: 65534 } : {};
    if (isRoot) {
      chmodSync(folder, 0o755);
      expect(spawnSync('chown', ['-R', '65534:65534', workspace]).status).toBe(0);
    }
    const run = (...args: string[]) => answer([...args, '--workspace', workspace], user);
    expect(await run('index', logs)).toMatchObject({ trajectories: 3, problems: [] });
    chmodSync(join(logs, 'closed'), 0);
    chmodSync(join(logs, 'c.json'), 0);
    onTestFinished(() => chmodSync(join(logs, 'closed'), 0o755));
    write(join(logs, 'open/d.json'), smallRun('q4'));
    chmodSync(join(logs, 'open/d.json'), 0o644);

    const denied = expect.stringMatching(/permission.*Give this user permission/i);
    const { trajectories, problems } = await run('index', logs);
    expect(problems).toEqual([
      { log: 'c.json', place: '', reason: denied },
      { log: 'closed', place: '', reason: denied },
    ]);
    // a, d, and b, of which nothing says that it is gone.
    expect(trajectories).toBe(3);
    chmodSync(join(logs, 'closed'), 0o755);
    chmodSync(join(logs, 'c.json'), 0o644);
    expect(await run('index', logs)).toMatchObject({ trajectories: 4, problems: [] });
  });

  it('that grow while they are read are said to have changed, and whole the next time', async () => {
    const { logs, run } = soundLogs();
    const path = join(logs, 'growing.jsonl');
    const lines = Array.from({ length: 2000 }, (_, i) => JSON.stringify(smallRun(`g${i}`)));
    writeFileSync(path, `${lines.join('\n')}\n`);
    let [grown, half] = [2000, ''];
    // Half lines, as a writer leaves them.
    const grow = () => {
      const line = `${JSON.stringify(smallRun(`g${grown}`))}\n`;
      if (half === '') half = line.slice(0, 100);
      else {
        half = '';
        grown++;
      }
      appendFileSync(path, half === '' ? line.slice(100) : half);
    };
    const writer = setInterval(grow, 2);
    const first = await run('index', logs).finally(() => clearInterval(writer));
    if (half !== '') grow();
    const changed = {
      log: 'growing.jsonl',
      place: '',
      reason: expect.stringMatching(/changed while.*Index again/),
    };
    expect(first.problems).toContainEqual(changed);
    expect(first.trajectories).toBeGreaterThanOrEqual(2002);
    expect(await run('index', logs)).toMatchObject({ trajectories: grown + 2, problems: [] });
  });
});

describe('what people give beside the logs', () => {
  it('answers that do not match are told, and decide nothing', async () => {
    const { folder, logs, run } = soundLogs();
    const answers = join(folder, 'answers.tsv');
    write(
      answers,
      'q7\tAnother question?\tanother answer\nq1\tNot what was asked?\tthe answer\nno tabs here\n',
    );
    const { problems, groups } = await run('index', logs, '--answers', answers);
    expect(groups).toMatchObject([{ outcome: 'unknown', n: 2 }]);
    expect(problems).toEqual([
      {
        log: answers,
        place: 'line 3',
        reason: expect.stringContaining('is no line `id<TAB>question<TAB>answer`'),
      },
      { log: answers, place: 'line 2', reason: expect.stringContaining('for another question') },
      { log: answers, place: '', reason: expect.stringContaining('matches none of the 2 trajectories') },
    ]);

    // One that cannot be used at all is refused, and the one before stays in force.
    write(join(folder, 'other.json'), '{"version": 1,');
    const config = readFileSync(workspacePaths(folder).config, 'utf8');
    const words = await failing([
      'index',
      logs,
      '--answers',
      join(folder, 'other.json'),
      '--workspace',
      folder,
    ]);
    expect(words).toMatch(/other\.json: has no reference answers or verdicts\. Write lines/);
    expect(readFileSync(workspacePaths(folder).config, 'utf8')).toBe(config);
    write(answers, 'q1\tQuestion q1?\tthe answer\nq2\tQuestion q2?\tsomething else\n');
    const graded = await run('index', logs);
    expect(graded.groups).toMatchObject([
      { outcome: 'correct', n: 1 },
      { outcome: 'incorrect', n: 1 },
    ]);
    rmSync(answers);
    expect(await failing(['index', logs, '--workspace', folder])).toMatch(
      /answers\.tsv: cannot be read .*Name a file/,
    );
    expect(await run('status')).toMatchObject({ trajectories: 2 });
  });

  it('labels for what is no browse, or that are no labels, are told by line; the others count', async () => {
    const { folder, logs, run } = soundLogs();
    await run('index', logs);
    const labels = join(folder, 'labels.jsonl');
    const lines = [
      '{"log": "a.json", "step": 3, "label": "relevant"}',
      '{"log": "a.json", "step": 1, "label": "relevant"}',
      '{"log": "z.json", "step": 3, "label": "relevant"}',
      '{"log": "b.json", "step": 3, "label": "perhaps"}',
      '{"log": "b.json", "st',
    ];
    write(labels, lines.join('\n'));
    const out = join(folder, 'pairs.jsonl');
    const { rows, dropped, problems } = await run('mine', '--labels', labels, '--out', out);
    expect({ rows, unknown: dropped.unknown }).toEqual({ rows: 1, unknown: 1 });
    const told = problems.map(
      ({ log, place, reason }: Record<string, string>) => `${log} ${place} ${reason}`,
    );
    expect(told.sort()).toEqual([
      expect.stringContaining(
        `${labels} line 2 is about step 1 of a.json, which is no browse. Steps count from 0`,
      ),
      expect.stringContaining(`${labels} line 3 is about z.json, which is no log in the index. Index it`),
      expect.stringMatching(/line 4 is no label \(label: .*Mend the line/),
      expect.stringMatching(/line 5 is not JSON, and was left out\. Mend the line/),
    ]);
    expect(readFileSync(labels, 'utf8')).toBe(lines.join('\n'));

    const words = await failing(['label', 'a.json', '1', 'relevant', '--workspace', folder]);
    expect(words).toContain('a.json: has no browse at step 1. Steps count from 0');
    expect(existsSync(workspacePaths(folder).labels)).toBe(false);
  });

  it('a corpus without some of the documents gives the pairs that it can, and names what is missing', async () => {
    const { folder, logs, run } = soundLogs();
    // In this log d is the relevant one.
    write(
      join(logs, 'c.json'),
      runLog('q3', [
        search('third', ['a', 'd']),
        think('so'),
        ...(smallRun('q3') as { result: [] }).result.slice(3, 5),
      ]),
    );
    await run('index', logs);
    await run('judge');
    const corpus = join(folder, 'corpus.jsonl');
    write(
      corpus,
      '{"docid": "b", "text": "Text of b"}\n{"docid": "a", "text": "Text of a"}\n{"docid": "a", "te\n',
    );
    const out = join(folder, 'pairs.jsonl');
    const { rows, notices, problems } = await run('mine', '--corpus', corpus, '--out', out);
    expect(rows).toBe(2);
    expect(notices).toEqual([
      expect.stringMatching(/^1 document has no text and was left out \(c\)\. Add them to .*corpus/),
    ]);
    expect(problems).toEqual([
      { log: corpus, place: 'line 3', reason: expect.stringContaining('is not JSON') },
    ]);
    const ids = readFileSync(out, 'utf8')
      .trim()
      .split('\n')
      .map(line => JSON.parse(line).neg_id);
    expect(ids).toEqual([['a'], ['a']]);

    // What is measured says so too: a document that is not there cannot be found.
    write(corpus, '{"docid": "a", "text": "Text of a"}\n{"docid": "c", "text": "Text of c"}\nnothing\n');
    const measured = await answer(['eval', '--model', 'bm25', '--corpus', corpus, '--pairs', out]);
    expect(measured.notices).toEqual([
      expect.stringMatching(/^1 relevant document is not in .*corpus\.jsonl \(b\)/),
    ]);
    expect(measured.problems).toEqual([
      { log: corpus, place: 'line 3', reason: expect.stringContaining('is not JSON') },
    ]);
    write(corpus, '');
    expect(await failing(['search', 'text', '--model', 'bm25', '--corpus', corpus])).toMatch(
      /corpus\.jsonl: holds no documents\. Name a file/,
    );
  });

  it('queries with one id, and judgements that are none, are refused with file and line', async () => {
    const folder = temporaryFolder();
    const [queries, qrels, corpus] = ['queries.tsv', 'qrels.txt', 'corpus.jsonl'].map(name =>
      join(folder, name),
    );
    write(corpus!, '{"id": "a", "contents": "moths"}\n');
    const evaluate = [
      'eval',
      '--model',
      'bm25',
      '--corpus',
      corpus!,
      '--queries',
      queries!,
      '--qrels',
      qrels!,
    ];
    write(qrels!, 'q1 0 a 1\n');
    write(queries!, 'q1\tmoths\nq2\tbirds\nq1\tother moths\n');
    expect(await failing(evaluate)).toMatch(
      /queries\.tsv:3: has the id q1, which .*queries\.tsv:1 has too\. Give every query/,
    );
    write(queries!, 'q1\tmoths\n');
    write(qrels!, 'q1 0 a 1\nq1 a\n');
    expect(await failing(evaluate)).toMatch(/qrels\.txt:2: is no relevance judgement\. A line has/);
  });

  it('pairs that are cut short are refused with the line, and no model is made', async () => {
    const folder = temporaryFolder();
    write(join(folder, 'pairs.jsonl'), '{"query": "q", "pos": ["p"], "neg": ["n"]}\n{"query": "q", "po');
    const words = await failing(['train', '--pairs', 'pairs.jsonl', '--out', 'model'], { cwd: folder });
    expect(words).toMatch(
      /pairs\.jsonl, line 2: is not JSON; the file may be cut short\. Mine the pairs again/,
    );
    expect(existsSync(join(folder, 'model'))).toBe(false);
  });

  it('settings that are damaged are refused with line and column; a damaged index is set aside and made again', async () => {
    const { folder, logs, run } = soundLogs();
    await run('index', logs);
    const paths = workspacePaths(folder);
    writeFileSync(paths.index, 'no database at all, but longer than the header of one'.repeat(100));
    const status = await run('status');
    expect(status).toMatchObject({ trajectories: 0, notices: [expect.stringMatching(/set aside as /)] });
    expect(await run('index', logs)).toMatchObject({ trajectories: 2, notices: [] });
    write(paths.config, '{\n  "version": 1,\n  "tokenizer"\n}\n');
    expect(await failing(['status', '--workspace', folder])).toMatch(
      /config\.json:4:1: is not JSON from here on\. Mend/,
    );
  });
});

describe('transformers that cannot be used', () => {
  const folder = temporaryFolder(afterAll);
  const broken = join(folder, 'broken');
  const corpus = join(folder, 'corpus.jsonl');
  const pairs = join(folder, 'pairs.jsonl');
  beforeAll(() => {
    write(corpus, '{"docid": "a", "text": "the red fox"}\n');
    write(pairs, '{"query": "who", "pos": ["the red fox"], "neg": ["lazy dogs"]}\n');
  });
  const changeJson = (name: string, change: (json: Record<string, never>) => object) => {
    const path = join(broken, name);
    write(path, JSON.stringify(change(JSON.parse(readFileSync(path, 'utf8')))));
  };

  it.each([
    [
      'a parameter that is no number',
      () => {
        const path = join(broken, 'model.safetensors');
        const bytes = readFileSync(path);
        bytes.writeFloatLE(Number.NaN, bytes.length - 4);
        writeFileSync(path, bytes);
      },
      /broken: tensor '[\w.]+' holds NaN \(element \d+\)/,
    ],
    [
      'a tensor of a wrong shape',
      () => changeJson('config.json', config => ({ ...config, intermediate_size: 20 })),
      /model\.safetensors: tensor 'encoder\.layer\.0\.intermediate\.dense\.weight' has shape \[24, 8\], \[20, 8\] is needed/,
    ],
    [
      'a missing tensor',
      () => changeJson('config.json', config => ({ ...config, num_hidden_layers: 3 })),
      /model\.safetensors: tensor 'encoder\.layer\.2\.[\w.]+' is missing/,
    ],
    [
      'an architecture that nobody knows',
      () => changeJson('config.json', config => ({ ...config, model_type: 't5' })),
      /config\.json: is of the architecture t5, which is not known here/,
    ],
    [
      'a tokenizer of another model',
      () =>
        changeJson('tokenizer.json', ({ model, ...json }: Record<string, { vocab: object }>) => ({
          ...json,
          model: { ...model, vocab: { ...model!.vocab, another: 99 } },
        })),
      /tokenizer\.json: has ids up to 99, the model's embedding table \d+ rows/,
    ],
    [
      'an index that names a file that is not there',
      () => {
        rmSync(join(broken, 'model.safetensors'));
        const index = {
          weight_map: { 'embeddings.word_embeddings.weight': 'model-00001-of-00002.safetensors' },
        };
        write(join(broken, 'model.safetensors.index.json'), JSON.stringify(index));
      },
      /model-00001-of-00002\.safetensors/,
    ],
  ])(
    'with %s are refused by embedding, search and training, and left as they are',
    async (_, damage, words) => {
      rmSync(broken, { recursive: true, force: true });
      saveRandomModel(broken, 'bert');
      damage();
      const before = contentOf(broken);
      for (const command of [
        ['embed', '--model', broken, '--corpus', corpus, '--out', join(folder, 'vectors')],
        ['search', 'fox', '--model', broken, '--corpus', corpus],
        ['train', '--pairs', pairs, '--base', broken, '--out', join(folder, 'new'), '--workspace', folder],
      ]) {
        const said = await failing(command);
        expect(said).toMatch(words);
        // Message, and then a sentence that says what to do.
        expect(said.trim()).toMatch(/[.)] [A-Z][^.]+.*\.$/s);
      }
      expect(contentOf(broken)).toEqual(before);
      expect(existsSync(join(folder, 'new'))).toBe(false);
    },
  );
});

describe('models that cannot be used', () => {
  const folder = temporaryFolder(afterAll);
  const model = join(folder, 'model');
  const corpus = join(folder, 'corpus.jsonl');
  const pairs = join(folder, 'pairs.jsonl');
  const broken = join(folder, 'broken');
  beforeAll(() => {
    const texts = ['moths fly at night', 'birds sing by day', 'the night is dark'];
    saveStatic(model, buildStatic(texts, [], { dimension: 8 }), { lineage: {} });
    write(corpus, texts.map((text, docid) => `${JSON.stringify({ docid: `${docid}`, text })}\n`).join(''));
    write(pairs, '{"query": "night", "pos": ["moths fly at night"], "neg": ["birds sing by day"]}\n');
  });

  /** The tensors of a safetensors file, with its header changed. */
  function changeHeader(path: string, change: (header: Record<string, { shape: number[] }>) => void): void {
    const bytes = readFileSync(path);
    const length = Number(bytes.readBigUInt64LE(0));
    const header = JSON.parse(bytes.subarray(8, 8 + length).toString());
    change(header);
    const text = Buffer.from(JSON.stringify(header));
    const size = Buffer.alloc(8);
    size.writeBigUInt64LE(BigInt(text.length));
    writeFileSync(path, Buffer.concat([size, text, bytes.subarray(8 + length)]));
  }

  it.each([
    [
      'a missing tensor',
      (dir: string) =>
        changeHeader(join(dir, 'model.safetensors'), header => {
          header['other.weight'] = header['embedding.weight']!;
          delete header['embedding.weight'];
        }),
      /model\.safetensors: .*embedding\.weight/,
    ],
    [
      'a tensor of a wrong shape',
      (dir: string) =>
        changeHeader(join(dir, 'model.safetensors'), header => header['embedding.weight']!.shape.reverse()),
      /model\.safetensors: .*embedding\.weight.*8/,
    ],
    [
      'a table that is cut short',
      (dir: string) => {
        const path = join(dir, 'model.safetensors');
        writeFileSync(path, readFileSync(path).subarray(0, -40));
      },
      /model\.safetensors: /,
    ],
    ['no table', (dir: string) => rmSync(join(dir, 'model.safetensors')), /model\.safetensors: /],
    [
      'a damaged tokenizer',
      (dir: string) => write(join(dir, 'tokenizer.json'), '{"model": '),
      /tokenizer\.json: /,
    ],
    [
      'no modules',
      (dir: string) => rmSync(join(dir, 'modules.json')),
      /broken: is no model folder.*Name a folder/,
    ],
  ])(
    'with %s are refused with the file and the remedy, by search, evaluation and training',
    async (_, damage, words) => {
      rmSync(broken, { recursive: true, force: true });
      cpSync(model, broken, { recursive: true });
      damage(broken);
      const before = contentOf(broken);
      const commands = [
        ['search', 'night', '--model', broken, '--corpus', corpus],
        ['eval', '--model', 'bm25', broken, '--corpus', corpus, '--pairs', pairs],
        ['train', '--pairs', pairs, '--base', broken, '--out', join(folder, 'new'), '--workspace', folder],
      ];
      for (const command of commands) {
        const said = await failing(command);
        expect(said).toMatch(words);
        // Message, and then a sentence that says what to do.
        expect(said.trim()).toMatch(/[.)] [A-Z][^.]+.*\.$/s);
      }
      expect(contentOf(broken)).toEqual(before);
      expect(existsSync(join(folder, 'new'))).toBe(false);
    },
  );

  it('two models of one name are told apart by their folders; one given twice is refused', async () => {
    const twin = join(folder, 'twins/model');
    cpSync(model, twin, { recursive: true });
    const measure = [
      'eval',
      '--corpus',
      corpus,
      '--queries',
      join(folder, 'q.tsv'),
      '--qrels',
      join(folder, 'qrels'),
    ];
    write(join(folder, 'q.tsv'), 'q\tnight moths\n');
    write(join(folder, 'qrels'), 'q 0 0 1\n');
    const { rows } = await answer([...measure, '--model', model, twin]);
    expect(rows.map(({ retriever }: { retriever: string }) => retriever)).toEqual(['model', twin]);
    expect(await failing([...measure, '--model', 'bm25', 'bm25'])).toMatch(/two of the retriever bm25/);
  });

  it('a folder that is no model is never written over', async () => {
    const precious = join(folder, 'precious');
    write(join(precious, 'thesis.txt'), 'ten years of work');
    const words = await failing(['train', '--pairs', pairs, '--out', precious, '--workspace', folder]);
    expect(words).toMatch(
      /precious: exists and is not a model folder; it is left as it is\. Choose another name/,
    );
    expect(readdirSync(precious)).toEqual(['thesis.txt']);
  });
});

/** Whether this process may mount a small disk. */
const mayMount = (() => {
  if (process.getuid?.() !== 0) return false;
  const folder = temporaryFolder(tidy => afterAll(tidy));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', folder]).status === 0;
  return mounted && spawnSync('umount', [folder]).status === 0;
})();
if (!mayMount) console.warn('Skipped: a full disk, because no small disk can be mounted here.');

describe.skipIf(!mayMount)('a full disk', () => {
  /** A workspace with an index, labels, pairs and a model on a disk of 2 MB, which is then filled up. */
  async function fullDisk() {
    const disk = temporaryFolder();
    expect(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'none', disk]).status).toBe(0);
    // Before the folder is removed: what is tidied up last was made first.
    onTestFinished(() => void spawnSync('umount', ['-l', disk]));
    const logs = temporaryFolder();
    write(join(logs, 'a.json'), smallRun('q1'));
    const run = (...args: string[]) => answer([...args, '--workspace', disk]);
    await run('index', logs);
    await run('judge');
    await run('mine', '--out', join(disk, 'pairs.jsonl'));
    await run('corpus', '--out', join(disk, 'corpus.jsonl'));
    const few = ['--epochs', '1', '--dimension', '8'];
    await run('train', '--pairs', join(disk, 'pairs.jsonl'), '--out', join(disk, 'model'), ...few);
    const filler = join(disk, 'filler');
    const descriptor = openSync(filler, 'w');
    for (let size = 65536; size >= 1; size = Math.floor(size / 2)) {
      try {
        for (;;) writeSync(descriptor, Buffer.alloc(size));
      } catch {
        // Full, but for less than this.
      }
    }
    closeSync(descriptor);
    const free = (bytes: number) => truncateSync(filler, statSync(filler).size - bytes);
    return { disk, logs, run, free };
  }

  it('lets every command that writes fail with a remedy, and leaves what was there', async () => {
    const { disk, logs, run, free } = await fullDisk();
    const kept = ['pairs.jsonl', 'corpus.jsonl', 'model/model.safetensors', '.lrat/labels.jsonl'];
    const content = () => kept.map(name => readFileSync(join(disk, name), 'base64'));
    const before = content();
    for (let i = 0; i < 300; i++) write(join(logs, `more-${i}.json`), smallRun(`m${i}`));
    const commands = [
      ['index', logs],
      ['label', 'a.json', '3', 'irrelevant', '--note', 'x'.repeat(8192)],
      ['mine', '--out', join(disk, 'pairs.jsonl'), '--mode', 'paper'],
      ['corpus', '--out', join(disk, 'corpus.jsonl')],
      ['train', '--pairs', join(disk, 'pairs.jsonl'), '--out', join(disk, 'model'), '--dimension', '16'],
    ];
    for (const command of commands) {
      const said = await failing([...command, '--workspace', disk]);
      expect(said, command[0]).toMatch(/disk is full|no space left/i);
      expect(said, command[0]).toMatch(/Free space/);
    }
    const corpus = join(logs, 'corpus.txt');
    write(corpus, '{"docid": "a", "text": "Text of a"}\n');
    // An index that finds no room is no reason not to search.
    const found = await run('search', 'text', '--model', 'bm25', '--corpus', corpus);
    expect(found).toMatchObject({
      hits: [{ id: 'a' }],
      notices: [expect.stringMatching(/not kept.*Free space/)],
    });
    expect(content()).toEqual(before);
    expect(readdirSync(disk, { recursive: true }).filter(name => String(name).includes('.tmp'))).toEqual([]);

    // With a little room the disk becomes full in the middle of the work.
    free(128 * 1024);
    const train = ['train', '--pairs', join(disk, 'pairs.jsonl'), '--out', join(disk, 'model')];
    for (const command of [
      ['index', logs],
      [...train, '--dimension', '1024'],
    ]) {
      expect(await failing([...command, '--workspace', disk]), command[0]).toMatch(/Free space/);
    }
    expect(content()).toEqual(before);
    expect((await run('status')).trajectories).toBeGreaterThanOrEqual(1);

    free(1024 * 1024);
    expect(await run('index', logs)).toMatchObject({ trajectories: 301, problems: [] });
    expect(await run('mine', '--out', join(disk, 'pairs.jsonl'))).toMatchObject({ rows: 1, problems: [] });
  });
});

it('a result that cannot be written to standard output is a failure, and one that nobody reads is none', async () => {
  const { folder, logs, run } = soundLogs();
  await run('index', logs);
  const launcher = join(import.meta.dirname, '../../bin/lrat.mjs');
  const shell = (after: string) =>
    spawnSync(
      'sh',
      ['-c', `"${process.execPath}" "${launcher}" status --json --workspace "${folder}" ${after}`],
      {
        encoding: 'utf8',
      },
    );
  if (existsSync('/dev/full') && statSync('/dev/full').isCharacterDevice()) {
    expect(shell('>/dev/full')).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/standard output: .*Free space/),
    });
  }
  expect(shell('| true')).toMatchObject({ status: 0, stderr: '' });
});
