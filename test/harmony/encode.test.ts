import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Random } from '../../scripts/harmony/random.ts';
import { generateText, SPECIAL_TEXTS } from '../../scripts/harmony/generate-text.ts';
import { encodeAll, encodeText, startEncoding } from '../../src/harmony/encode.ts';
import { FIRST_CONTROL_TOKEN, TOKENS } from '../../src/harmony/tokens.ts';
import { vocabulary } from '../support/vocabulary.ts';

interface TextVector {
  readonly text: string;
  readonly ids: readonly number[];
}

const vectors = JSON.parse(
  readFileSync(new URL('../fixtures/harmony/texts.json', import.meta.url), 'utf8'),
) as readonly TextVector[];

const MEGABYTE = 1_000_000;

/** Encodes in steps and returns the ids with the number of steps. */
function encodeInSteps(text: string, budget?: number): { ids: readonly number[]; steps: number } {
  const encoding = startEncoding(vocabulary, [text]);
  let steps = 1;
  while (!encoding.step(budget)) steps++;
  return { ids: encoding.tokenIds, steps };
}

const bytesOf = (ids: readonly number[]): string =>
  Buffer.concat(ids.map((id) => vocabulary.tokenBytes(id))).toString();

describe('encoding text', () => {
  test.each(vectors)('gives the ids of the official library: $text', ({ text, ids }) => {
    expect(encodeText(vocabulary, text)).toEqual(ids);
  });

  test('keeps every byte of the text', () => {
    const random = new Random(3);
    for (const text of random.times(300, () => generateText(random))) {
      expect(bytesOf(encodeText(vocabulary, text))).toBe(text.toWellFormed());
    }
  });

  test.each(SPECIAL_TEXTS)('never makes a control token of text: %s', (text) => {
    const ids = encodeText(vocabulary, `x ${text}${text} y`);
    expect(ids.filter((id) => id >= FIRST_CONTROL_TOKEN)).toEqual([]);
    expect(bytesOf(ids)).toBe(`x ${text}${text} y`);
  });

  test('spells a control token with the same plain tokens as everyone', () => {
    expect(encodeText(vocabulary, ' <|end|>')).toEqual([464, 91, 419, 91, 29]);
  });

  test('encodes a lone surrogate as U+FFFD', () => {
    expect(encodeText(vocabulary, 'a\ud800b\udc00')).toEqual(encodeText(vocabulary, 'a\ufffdb\ufffd'));
  });
});

describe('encoding pieces', () => {
  test('takes control tokens and stored ids as they are and encodes each text by itself', () => {
    const pieces = [TOKENS.start, 'ab', 'c', [1, 2, TOKENS.channel], '', TOKENS.end];
    const ab = encodeText(vocabulary, 'ab');
    const c = encodeText(vocabulary, 'c');
    expect(encodeAll(vocabulary, pieces)).toEqual([TOKENS.start, ...ab, ...c, 1, 2, TOKENS.channel, TOKENS.end]);
  });

  test('two encodings in turn do not disturb each other', () => {
    const [left, right] = ['語'.repeat(3000), 'hippopotamus '.repeat(300)].map((text) =>
      startEncoding(vocabulary, [text]),
    );
    let running = [left!, right!];
    while (running.length > 0) running = running.filter((encoding) => !encoding.step(200));
    expect(left!.tokenIds).toEqual(encodeText(vocabulary, '語'.repeat(3000)));
    expect(right!.tokenIds).toEqual(encodeText(vocabulary, 'hippopotamus '.repeat(300)));
  });
});

describe('encoding in steps', () => {
  test.each([1, 7, 100, 5000])('gives the same ids with a budget of %i', (budget) => {
    const random = new Random(budget);
    const texts = [...random.times(40, () => generateText(random)), ...vectors.map(({ text }) => text)];
    for (const text of texts) expect(encodeInSteps(text, budget).ids).toEqual(encodeText(vocabulary, text));
  });

  test('says that it is done only when it is, and stays done', () => {
    const encoding = startEncoding(vocabulary, [TOKENS.start, 'user', TOKENS.message, 'Hello world', TOKENS.end]);
    expect(encoding.step(1)).toBe(false);
    expect(encoding.tokenIds).toEqual([TOKENS.start]);
    while (!encoding.step(1));
    const ids = [...encoding.tokenIds];
    expect(encoding.step()).toBe(true);
    expect(encoding.tokenIds).toEqual(ids);
  });

  /** What a step does is bounded, and the number of steps grows with the length alone: a step is 50,000 units of work. */
  test.each([
    ['one letter', 'a', MEGABYTE],
    ['one ideograph', '語', MEGABYTE],
    ['words', 'The quick brown fox. ', MEGABYTE],
    ['one capital letter', 'A', MEGABYTE / 5],
    ['spaces', ' ', MEGABYTE / 5],
    ['line ends', '\n', MEGABYTE / 5],
    ['digits', '7', MEGABYTE / 5],
    ['punctuation', '!', MEGABYTE / 5],
    ['emoji', '👩‍💻', MEGABYTE / 5],
    ['combining marks', '\u0301', MEGABYTE / 5],
    ['caseless letters and capitals', '語A', MEGABYTE / 5],
  ])('%s without end takes a bounded number of bounded steps', (_, unit, byteCount) => {
    const text = unit.repeat(Math.ceil(byteCount / Buffer.byteLength(unit)));
    const { ids, steps } = encodeInSteps(text);
    expect(steps).toBeGreaterThan(byteCount / 100_000);
    expect(steps).toBeLessThan(byteCount / 1_500);
    expect(bytesOf(ids) === text).toBe(true);
  });

  test('looks at no more characters in a step than its budget allows', () => {
    const encoding = startEncoding(vocabulary, ['a'.repeat(100_000)]);
    for (let step = 0; step < 90; step++) encoding.step(1000);
    expect(encoding.tokenIds).toEqual([]);
    for (let step = 0; step < 20; step++) encoding.step(1000);
    expect(encoding.tokenIds.length).toBeGreaterThan(0);
    expect(encoding.tokenIds.length).toBeLessThan(1000);
  });

  test('the time of a long piece grows with its length, not with its square', () => {
    const { steps: few } = encodeInSteps('語'.repeat(10_000));
    const { steps: many } = encodeInSteps('語'.repeat(100_000));
    expect(many).toBeLessThan(few * 12);
  });
});
