import { describe, expect, it } from 'vitest';
import type { FreeText, OutputRule } from '../../src/harmony/structural-tag.ts';
import { TOKENS } from '../../src/harmony/tokens.ts';
import { continuationObstacle, lostEnd } from '../../src/turn/continuation.ts';
import { sampling } from '../support/turn.ts';

describe('another engine', () => {
  it.each([
    ['is greedy', {}],
    ['draws without a seed', { temperature: 1, topP: 0.9, topK: 40, minP: 0.1 }],
    ['has a bias', { logitBias: { 1: 5 } }],
    ['tells log probabilities', { topLogprobs: 2 }],
  ])('can go on with what %s', (_, changes) => {
    expect(continuationObstacle({ ...sampling, ...changes }, null, null)).toBe(null);
  });

  it.each([
    ['a seed', { seed: 0 }],
    ['a presence penalty', { presencePenalty: 0.5 }],
    ['a frequency penalty', { frequencyPenalty: -0.5 }],
    ['a repetition penalty', { repetitionPenalty: 1.1 }],
  ])('cannot go on with what has %s', (_, changes) => {
    expect(continuationObstacle({ ...sampling, ...changes }, null, 'final')).toMatch(/^it has (a seed|penalties), /);
  });

  it.each([
    ['a grammar of its own', { structured_outputs: { regex: 'a+' } }, /^its output is held to a grammar, /],
    ['a least length', { min_tokens: 5 }, /^it has min_tokens, /],
  ])('cannot go on with what has %s', (_, extras, reason) => {
    expect(continuationObstacle({ ...sampling, extras }, null, null)).toMatch(reason);
  });

  const json = { kind: 'json', schema: true } as const;
  const rule: OutputRule = { maxReasoningTokens: null, calls: [], answer: { kind: 'text' } };
  it.each<[string, OutputRule, FreeText]>([
    ['a thought before JSON', { ...rule, answer: json }, 'analysis'],
    ['a preamble', { ...rule, maxReasoningTokens: 5 }, 'commentary'],
    ['an answer', rule, 'final'],
  ])('can begin a grammar in %s', (_, held, open) => {
    expect(continuationObstacle(sampling, held, open)).toBe(null);
  });

  it.each<[string, OutputRule, FreeText | null]>([
    ['JSON', { ...rule, answer: json }, 'final'],
    ['a thought of limited length', { ...rule, maxReasoningTokens: 5 }, 'analysis'],
    ['a call or a header', rule, null],
  ])('cannot begin a grammar in %s', (_, held, open) => {
    expect(continuationObstacle(sampling, held, open)).toMatch(/grammar/);
  });
});

describe('a generation whose last frame is lost', () => {
  it.each([TOKENS.return, TOKENS.call, TOKENS.endOfText])('has ended where its last id is %i', (id) => {
    expect(lostEnd([1, 2, id], 100, sampling)).toBe('stop');
  });

  it('has ended where it used all its room', () => {
    expect([lostEnd([1, 2, 3], 3, sampling), lostEnd([1, 2, TOKENS.return], 3, sampling)]).toEqual(['length', 'stop']);
  });

  it('has not ended otherwise, behind the end of a message neither', () => {
    expect([lostEnd([], 100, sampling), lostEnd([1, 2, TOKENS.end], 100, sampling)]).toEqual([null, null]);
  });

  it('has not come at an end that the request goes beyond, and has at one that it names itself', () => {
    const beyond = { ...sampling, stopTokenIds: [], extras: { ignore_eos: true } };
    expect(lostEnd([1, 2, TOKENS.return], 100, beyond)).toBe(null);
    expect(lostEnd([1, 2, 7], 100, { ...beyond, stopTokenIds: [7] })).toBe('stop');
  });
});
