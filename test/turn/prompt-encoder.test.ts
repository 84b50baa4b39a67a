import { setImmediate as nextLoopTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { encodeAll } from '../../src/harmony/encode.ts';
import type { HarmonyMessage } from '../../src/harmony/message.ts';
import { renderConversation } from '../../src/harmony/render.ts';
import { PromptEncoder } from '../../src/turn/prompt-encoder.ts';
import { vocabulary } from '../support/vocabulary.ts';

const all = { maxTokens: Infinity, signal: new AbortController().signal };
const conversation = (...texts: readonly string[]): HarmonyMessage[] => [
  { role: 'system', effort: 'low', date: '2026-01-02', hasFunctionTools: false },
  ...texts.map((text) => ({ role: 'user', text }) as const),
];

/** How often the event loop went round until `work` was done. */
async function loopTurnsDuring(work: Promise<unknown>): Promise<number> {
  const state = { done: false, turns: 0 };
  void work.then(() => (state.done = true));
  while (!state.done) {
    await nextLoopTurn();
    state.turns++;
  }
  return state.turns;
}

describe('PromptEncoder', () => {
  it('gives the same prompt whether its texts were seen before or not, and however little it may remember', async () => {
    const texts = ['short', 'long naïve 🙂 世界 '.repeat(20), '<|end|> spelled out '.repeat(10), ' '.repeat(300)];
    const whole = encodeAll(vocabulary, renderConversation(conversation(...texts)));
    for (const encoder of [
      new PromptEncoder(vocabulary, 1_000_000),
      new PromptEncoder(vocabulary, 5000),
      new PromptEncoder(vocabulary, 0),
    ]) {
      expect(await encoder.encode(conversation(...texts), all)).toEqual(whole);
      expect(await encoder.encode(conversation(...texts), all)).toEqual(whole);
    }
  });

  it('encodes only what is new', async () => {
    const encoder = new PromptEncoder(vocabulary, 20_000_000);
    const history = 'All that was said before. '.repeat(40_000);
    const first = await loopTurnsDuring(encoder.encode(conversation(history), all));
    const second = await loopTurnsDuring(encoder.encode(conversation(history, 'And one question more?'), all));
    expect(first).toBeGreaterThan(20);
    expect(second).toBeLessThan(3);
  });

  it('gives up as soon as a prompt is longer than wanted, and gives one that is exactly as long', async () => {
    const whole = encodeAll(vocabulary, renderConversation(conversation('word '.repeat(100), 'hi')));
    const encoder = new PromptEncoder(vocabulary, 0);
    const encode = (maxTokens: number) =>
      encoder.encode(conversation('word '.repeat(100), 'hi'), { ...all, maxTokens });
    expect(await encode(whole.length)).toEqual(whole);
    expect(await encode(whole.length - 1)).toBeNull();
    const endless = [
      conversation('word '.repeat(1_000_000)),
      Array.from({ length: 300_000 }, () => ({ role: 'user', text: 'hi' }) as const),
    ];
    for (const messages of endless) {
      const state = { tokens: [] as unknown };
      const turns = await loopTurnsDuring(
        encoder.encode(messages, { ...all, maxTokens: 1000 }).then((tokens) => (state.tokens = tokens)),
      );
      expect(state.tokens).toBeNull();
      expect(turns).toBeLessThan(5);
    }
  });

  it('forgets the longest unused text when texts and tokens take too much memory', { timeout: 120_000 }, async () => {
    const blanks = (letter: string) => letter + ' '.repeat(1_000_000);
    const encoder = new PromptEncoder(vocabulary, 6_000_000);
    const turnsFor = (letter: string) => loopTurnsDuring(encoder.encode(conversation(blanks(letter)), all));
    await turnsFor('a');
    expect(await turnsFor('a')).toBeLessThan(3);
    await turnsFor('b');
    expect(await turnsFor('a')).toBeLessThan(3);
    await turnsFor('b');
    await turnsFor('c');
    await turnsFor('d');
    expect(await turnsFor('a')).toBeGreaterThan(20);
  });

  it('stops when nobody waits any more', async () => {
    const client = new AbortController();
    const encoding = new PromptEncoder(vocabulary, 0).encode(conversation('a'.repeat(1_000_000)), {
      maxTokens: Infinity,
      signal: client.signal,
    });
    client.abort(new Error('left'));
    await expect(encoding).rejects.toThrow('left');
  });
});
