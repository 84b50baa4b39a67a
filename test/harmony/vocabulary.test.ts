import { expect, test } from 'vitest';
import { createVocabulary } from '../../src/harmony/vocabulary.ts';
import { vocabulary } from '../support/vocabulary.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test('every token of the file is found by its bytes', () => {
  const missing: number[] = [];
  for (let id = 0; id < vocabulary.size; id++) {
    const token = vocabulary.tokenBytes(id);
    if (vocabulary.find(token, 0, token.length) !== id) missing.push(id);
  }
  expect(vocabulary.size).toBe(199_998);
  expect(missing).toEqual([]);
});

test('bytes that are no token are not found', () => {
  const text = bytes('antidisestablishmentarianism');
  expect(vocabulary.find(text, 0, text.length)).toBe(-1);
  expect(vocabulary.find(new Uint8Array(500).fill(97), 0, 500)).toBe(-1);
});

test('a token within a longer text is found at its place', () => {
  expect(vocabulary.find(bytes('say hello.'), 4, 9)).toBe(vocabulary.find(bytes('hello'), 0, 5));
});

test('a token is found by its text as by its bytes, where that is ASCII', () => {
  expect(vocabulary.findAscii('say hello.', 4, 9)).toBe(vocabulary.find(bytes('hello'), 0, 5));
  expect(vocabulary.findAscii('antidisestablishmentarianism', 0, 28)).toBe(-1);
  expect(vocabulary.findAscii('né', 0, 2)).toBe(-1);
  expect(vocabulary.findAscii('n\u0165', 0, 2)).toBe(-1);
});

test('tokens that are whole characters have a text, parts of characters and control ids have none', () => {
  expect([64, 13225, 28_823, 200_006, 201_088, -1].map((id) => vocabulary.wholeText(id))).toEqual([
    'a',
    'Hello',
    null,
    null,
    null,
    null,
  ]);
  expect(vocabulary.tokenBytes(28_823)).toEqual(Uint8Array.of(0xf0, 0x9f, 0x91));
  expect(vocabulary.tokenBytes(200_006)).toEqual(new Uint8Array());
});

test('reads a small file, with or without a last line end', () => {
  expect(createVocabulary(bytes('IQ== 0\nYWI= 1')).tokenBytes(1)).toEqual(bytes('ab'));
  expect(createVocabulary(bytes('IQ== 0\nYWI= 1\n')).size).toBe(2);
});

test.each([
  ['a rank left out', 'IQ== 0\nIg== 2\n', 2],
  ['a line without a rank', 'IQ== 0\nIg==\n', 2],
  ['something else', '<html>not found</html>\n', 1],
  ['a file cut off', 'IQ== 0\nIg', 2],
])('a damaged file is named as such: %s', (_, file, line) => {
  expect(() => createVocabulary(bytes(file))).toThrow(`The vocabulary is damaged: line ${line} is not a token`);
});
