import { describe, expect, it } from 'vitest';
import { browses, fixture, outline, searches, shownAt, trajectoriesOf } from '../logs.ts';

const path = fixture('openai-chat.jsonl');
const [dialog, chat, ...others] = trajectoriesOf(path);

describe('dialogs of AgentCPM', () => {
  it('hold thoughts, several queries in one call, and addresses in lists', () => {
    expect(others).toEqual([]);
    expect(outline(dialog!.steps)).toBe(
      'think 2, search 3, search 3, think 4, browse 5, browse 6, think 7, browse 8, think 9, browse 10, think 11, answer 11',
    );
    expect(searches(dialog!)).toMatchObject([
      {
        part: 0,
        query: 'Malder pear origin',
        candidates: [{ id: 'senn.example/malder' }, { id: 'senn.example/orchards', rank: 2 }],
      },
      { part: 1, query: 'Senn valley grafters', candidates: [{ id: 'senn.example/grafters' }] },
    ]);
    expect(dialog).toMatchObject({
      id: 'line 1',
      format: 'openai-chat',
      question: 'Which orchard of the Senn valley grew the Malder pear first, and who grafted it?',
      answer: 'Lower Field; Bertil Ansgar',
      completed: true,
      noPairs: null,
      skipped: [],
    });
  });

  it('pair results by id, and those that come in the words of a user by order', () => {
    const reasoning = 'Lower Field and Ansgar fit; I check the orchards.';
    expect(browses(dialog!)).toMatchObject([
      { doc: 'senn.example/grafters', shows: 'extract', reasoning },
      { doc: 'senn.example/malder', shows: 'extract', reasoning },
      {
        doc: 'senn.example/orchards',
        error: 'Error: the page did not load in time',
        reasoning: 'It must do without.',
      },
      { doc: 'senn.example/malder', error: null, reasoning: '1830, Lower Field.' },
    ]);
    const shown = shownAt(path, dialog!).map(([kind, text]) => [kind, JSON.parse(text)]);
    expect(shown[4]).toMatchObject(['browse', { tool_call_id: 'call_3' }]);
    expect(shown[7]).toMatchObject(['browse', { role: 'user' }]);
    expect(shown[10]).toMatchObject(['think', { thought: '1830, Lower Field.' }]);
  });
});

describe('chats of the Chat Completions interface', () => {
  it('keep their reasoning in any of several fields; reading on is the same browse', () => {
    expect(outline(chat!.steps)).toBe('think 2, search 3, search 4, think 5, browse 6, think 9, answer 9');
    expect(searches(chat!)).toMatchObject([
      { query: 'Malder grafter', candidates: [{ id: 'p-9', score: 2.5, snippet: 'Ansgar.' }] },
      { query: 'Malder pear', candidates: [{ id: 'p-1' }, { id: 'p-9', rank: 2 }] },
    ]);
    expect(browses(chat!)).toMatchObject([
      {
        doc: 'p-1',
        text: 'Lower Field grew it in 1830.\n\nAnsgar grafted it.',
        reasoning: 'Both are known now.',
      },
    ]);
  });

  it('carry their question, verdict and what is left out', () => {
    expect(chat).toMatchObject({
      id: 'pear-2',
      agent: 'agent-5',
      references: ['Lower Field'],
      outcome: 'correct',
      completed: true,
      noPairs: null,
      skipped: [
        { step: 1, reason: 'an image' },
        { step: 7, reason: 'a reasoning that is encrypted or was not kept' },
        { step: 7, reason: 'what it says beside its reasoning and a call' },
      ],
    });
  });
});
