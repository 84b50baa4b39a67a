import { setImmediate as nextLoopTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { encodeAll } from '../../src/harmony/encode.ts';
import type { HarmonyMessage } from '../../src/harmony/message.ts';
import { renderConversation } from '../../src/harmony/render.ts';
import { PromptEncoder } from '../../src/turn/prompt-encoder.ts';
import { vocabulary } from '../support/vocabulary.ts';

const never = new AbortController().signal;
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
      new PromptEncoder(vocabulary, 100_000),
      new PromptEncoder(vocabulary, 100),
      new PromptEncoder(vocabulary, 0),
    ]) {
      expect(await encoder.encode(conversation(...texts), never)).toEqual(whole);
      expect(await encoder.encode(conversation(...texts), never)).toEqual(whole);
    }
  });

  it('encodes only what is new', async () => {
    const encoder = new PromptEncoder(vocabulary, 2_000_000);
    const history = 'All that was said before. '.repeat(40_000);
    const first = await loopTurnsDuring(encoder.encode(conversation(history), never));
    const second = await loopTurnsDuring(encoder.encode(conversation(history, 'And one question more?'), never));
    expect(first).toBeGreaterThan(20);
    expect(second).toBeLessThan(3);
  });

  it('stops when nobody waits any more', async () => {
    const client = new AbortController();
    const encoding = new PromptEncoder(vocabulary, 0).encode(conversation('a'.repeat(1_000_000)), client.signal);
    client.abort(new Error('left'));
    await expect(encoding).rejects.toThrow('left');
  });
});
