import { describe, expect, it } from 'vitest';
import { encodeText } from '../../src/harmony/encode.ts';
import { TOKENS } from '../../src/harmony/tokens.ts';
import { openOutput } from '../../src/turn/open-output.ts';
import type { TurnListener } from '../../src/turn/progress.ts';
import { vocabulary } from '../support/vocabulary.ts';

const ids = (text: string): number[] => encodeText(vocabulary, text);
const logprobsOf = (tokenIds: readonly number[]) => tokenIds.map((id) => ({ token_id: id, logprob: -1 }));

/** What is heard of reads of tokens, ids as `[id,id]`, log probabilities as `{id}`. */
function hear(hears: 'text' | 'tokens', stop: readonly string[] = []) {
  const heard: string[] = [];
  const attempts = { isLive: true, onStartOver: () => {} };
  const onTokens = (tokenIds: readonly number[]): void => void heard.push(`[${tokenIds.join()}]`);
  const listener: TurnListener =
    hears === 'tokens'
      ? { hears, ...attempts, onTokens }
      : {
          hears,
          ...attempts,
          onTokens,
          onLogprobs: (logprobs) => void heard.push(...logprobs.map(({ token_id: id }) => `{${id}}`)),
          onText: (text) => void heard.push(text),
          onBatchEnd: () => {},
        };
  return { output: openOutput(vocabulary, listener, stop), heard: () => heard.join('') };
}

const withoutIds = (heard: string): string => heard.replaceAll(/\[\d+\]/g, '');

describe('plain text', () => {
  it('comes in whole characters, wherever the tokens are cut', () => {
    const parts = ids('🫠');
    expect(parts.length).toBeGreaterThan(1);
    const { output, heard } = hear('text');
    for (const id of parts) output.push([id], null);
    output.finish();
    expect(heard()).toBe(`${parts.map((id) => `[${id}]`).join('')}🫠`);
  });

  it('has nothing of control tokens', () => {
    const { output, heard } = hear('text');
    const tokens = [TOKENS.channel, ...ids('final'), TOKENS.message, ...ids('Hi'), TOKENS.return];
    expect(output.push(tokens, null)).toBe('more');
    expect(heard()).toBe(`[${tokens.join()}]finalHi`);
    expect(output.tokenIds).toEqual(tokens);
  });

  it('ends before a stop string, and gives what did not become one', () => {
    const stopped = hear('text', ['STOP']);
    expect(stopped.output.push(ids('abc STOP more'), null)).toBe('enough');
    stopped.output.finish();
    expect(withoutIds(stopped.heard())).toBe('abc ');
    const open = hear('text', ['STOPPED']);
    open.output.push(ids('abc STOP'), null);
    expect(withoutIds(open.heard())).toBe('abc ');
    open.output.finish();
    expect(withoutIds(open.heard())).toBe('abc STOP');
  });

  it('has log probabilities before the text of their tokens', () => {
    const { output, heard } = hear('text', ['STOP']);
    const [hello = 0, world = 0] = ids('Hello world');
    output.push([hello, world], logprobsOf([hello, world]));
    output.push(ids('STOP'), logprobsOf(ids('STOP')));
    output.finish();
    expect(withoutIds(heard())).toBe(`{${hello}}Hello{${world}} world`);
  });

  it.each([false, true])(
    'counts no token after the one that completes a stop string (log probabilities: %s)',
    (has) => {
      const { output } = hear('text', ['b c']);
      const tokens = ids('a b c d');
      expect(output.push(tokens, has ? logprobsOf(tokens) : null)).toBe('enough');
      expect(output.tokenIds).toEqual(ids('a b c'));
    },
  );
});

describe('tokens', () => {
  it('are handed on as they are, with what belongs to them', () => {
    const { output, heard } = hear('tokens');
    expect(output.isHandedOn).toBe(false);
    expect(output.push([1, TOKENS.end], null)).toBe('more');
    output.finish();
    expect([heard(), output.isHandedOn]).toEqual([`[1,${TOKENS.end}]`, true]);
  });

  it('end with the one that completes a stop string', () => {
    const { output, heard } = hear('tokens', ['b c']);
    const tokens = ids('a b c d');
    expect(output.push(tokens, logprobsOf(tokens))).toBe('enough');
    expect(heard()).toBe(`[${ids('a b c').join()}]`);
    expect(output.tokenIds).toEqual(ids('a b c'));
  });
});
