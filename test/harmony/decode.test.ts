import { describe, expect, test } from 'vitest';
import { createDecoder } from '../../src/harmony/decode.ts';
import { encodeText } from '../../src/harmony/encode.ts';
import { TOKENS } from '../../src/harmony/tokens.ts';
import { vocabulary } from '../support/vocabulary.ts';

const ZOO = [
  '🙂',
  '👩‍💻',
  '👨‍👩‍👧',
  '🇩🇪🇫🇷',
  '🏳️‍🌈',
  '👍🏽',
  'e\u0301\u0327',
  'Z̷̘͝',
  'நி',
  '\u{10ffff}',
  'x語\u{20000}y',
  '\ufeff',
  'naïve 世界',
];

/** The ids of single bytes, so that a character can be cut anywhere. */
const byteIds = (text: string): number[] =>
  [...new TextEncoder().encode(text)].map((byte) => vocabulary.find(Uint8Array.of(byte), 0, 1));

/** Every way to cut a list into pushes. */
function* everyCut(ids: readonly number[]): Generator<number[][]> {
  for (let cuts = 0; cuts < 2 ** (ids.length - 1); cuts++) {
    const pushes: number[][] = [[]];
    for (const [index, id] of ids.entries()) {
      if (index > 0 && (cuts >> (index - 1)) % 2 === 1) pushes.push([]);
      pushes.at(-1)?.push(id);
    }
    yield pushes;
  }
}

describe('a decoder', () => {
  test.each(ZOO)('gives the same text for every way to cut the ids of %s', (text) => {
    for (const ids of [encodeText(vocabulary, text), byteIds(text)].filter(({ length }) => length <= 12)) {
      for (const pushes of everyCut(ids)) {
        const decoder = createDecoder(vocabulary);
        expect(pushes.map((push) => decoder.push(push)).join('')).toBe(text);
      }
    }
  });

  test.each(ZOO)('never gives a part of a character of %s', (text) => {
    const decoder = createDecoder(vocabulary);
    const deltas = byteIds(text).map((id) => decoder.push([id]));
    expect(deltas.filter((delta) => delta !== '')).toEqual(Array.from(text));
  });

  test('shares nothing with another one', () => {
    const [left, right] = [createDecoder(vocabulary), createDecoder(vocabulary)];
    const [ids, others] = [byteIds('👩語🙂'), byteIds('é🚀ü').concat(byteIds('ß'))];
    let [leftText, rightText] = ['', ''];
    for (let index = 0; index < Math.max(ids.length, others.length); index++) {
      leftText += left.push(ids.slice(index, index + 1));
      rightText += right.push(others.slice(index, index + 1));
    }
    expect([leftText, rightText]).toEqual(['👩語🙂', 'é🚀üß']);
  });

  test('puts U+FFFD for bytes that are no text, and goes on', () => {
    const [lead, tail, never] = [0xe4, 0x80, 0xff].map((byte) => vocabulary.find(Uint8Array.of(byte), 0, 1));
    const decoder = createDecoder(vocabulary);
    const deltas = [[64], [tail!], [64], [lead!], [64], [never!, 64]].map((push) => decoder.push(push));
    expect(deltas).toEqual(['a', '\ufffd', 'a', '', '\ufffda', '\ufffda']);
  });

  test('drops an incomplete character at a reset, and nothing of it reaches what follows', () => {
    const decoder = createDecoder(vocabulary);
    expect(decoder.push(byteIds('ok🙂').slice(0, -1))).toBe('ok');
    decoder.reset();
    expect(decoder.push(byteIds('語'))).toBe('語');
  });

  test('reads only the given range', () => {
    expect(createDecoder(vocabulary).push(byteIds('abcdef'), 2, 4)).toBe('cd');
  });

  test('has no text for control, reserved and impossible ids', () => {
    const ids = [...byteIds('a'), TOKENS.end, 200_013, 201_088, -1, ...byteIds('b')];
    expect(createDecoder(vocabulary).push(ids)).toBe('ab');
  });
});

test('many tokens at once make the same text, wherever a push ends and whatever is no text', () => {
  const ids = byteIds('👩‍🔬 words, 語 and 𝒜 '.repeat(3));
  const withControls = [TOKENS.message, ...ids, TOKENS.end, -1];
  const decoder = createDecoder(vocabulary);
  const expected = withControls.map((id) => decoder.push([id])).join('');
  expect(expected).toContain('👩‍🔬 words, 語 and 𝒜 👩‍🔬');
  for (let cut = 0; cut <= withControls.length; cut++) {
    const fresh = createDecoder(vocabulary);
    expect(fresh.push(withControls, 0, cut) + fresh.push(withControls, cut)).toBe(expected);
  }
});
