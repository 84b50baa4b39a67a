import { expect, it } from 'vitest';
import {
  decodeBody,
  encodeBodies,
  holdSameText,
  joinBodies,
  measureBody,
  roundUpSize,
  splitBodies,
} from '../../src/store/body.ts';
import type { ItemRecord } from '../../src/store/response-store.ts';
import { packIntegers, packKeys, unpackIntegers, unpackKeys } from '../../src/store/packed-integers.ts';

it.for<[values: number[], bytes: number[]]>([
  [[], []],
  [
    [0, 1, 127],
    [0, 1, 127],
  ],
  [
    [128, 16_383, 16_384],
    [0x80, 1, 0xff, 0x7f, 0x80, 0x80, 1],
  ],
  [[200_019], [0xd3, 0x9a, 0x0c]],
  [[2 ** 53 - 1], [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]],
])('packs %j', ([values, bytes]) => {
  expect([...packIntegers(values)]).toEqual(bytes);
  expect(unpackIntegers(Uint8Array.from(bytes))).toEqual(values);
});

it('packs keys of one conversation into a byte each', () => {
  const keys = [4_000_000, 4_000_001, 4_000_003, 4_000_002, 4_000_002, 17, 2 ** 40];
  const packed = packKeys(keys);
  expect(unpackKeys(packed)).toEqual(keys);
  expect(packKeys(keys.slice(0, 5)).length).toBe(4 + 4);
});

it.for<[bytes: number, size: number]>([
  [1, 32],
  [32, 32],
  [33, 64],
  [256, 256],
  [257, 288],
  [512, 512],
  [513, 576],
  [4_096, 4_096],
  [4_097, 4_608],
  [900_000, 917_504],
])('gives %i bytes a place of %i', ([bytes, size]) => {
  expect(roundUpSize(bytes)).toBe(size);
});

it('wastes at most an eighth of a place, or 31 bytes', () => {
  for (let bytes = 1; bytes < 100_000; bytes += 13) {
    expect(roundUpSize(bytes) - bytes).toBeLessThanOrEqual(Math.max(31, bytes / 8));
    expect(roundUpSize(roundUpSize(bytes))).toBe(roundUpSize(bytes));
  }
});

const bodyOf = (record: ItemRecord): Uint8Array => encodeBodies([measureBody(record)]);

const records: ItemRecord[] = [
  { id: 'a', json: '{"ü":"😀"}', tokenIds: null },
  { id: '', json: '{}', tokenIds: [] },
  { id: 'c', json: '', tokenIds: [1, 200_019] },
];

it('gives back what it packed, alone and joined', () => {
  const bodies = records.map(bodyOf);
  expect(bodies.map(decodeBody)).toEqual(records);
  expect(bodies.map(({ length }) => length)).toEqual([32, 32, 32]);
  expect(splitBodies(joinBodies(bodies))).toEqual(records);
  expect(splitBodies(joinBodies([]))).toEqual([]);
  expect(encodeBodies(records.map(measureBody))).toEqual(Buffer.concat(bodies));
});

it.for<[one: [id: string, json: string], other: [id: string, json: string], same: boolean]>([
  [['a', '{"ü":1}'], ['a', '{"ü":1}'], true],
  [['a', '{"ü":1}'], ['a', '{"ü":2}'], false],
  [['a', '{}'], ['a', '{} '], false],
  [['ab', 'c'], ['a', 'bc'], false],
])('tells whether %j and %j are the same text, whatever their tokens', ([one, other, same]) => {
  const first = bodyOf({ id: one[0], json: one[1], tokenIds: [7] });
  const second = bodyOf({ id: other[0], json: other[1], tokenIds: null });
  expect(holdSameText(first, second)).toBe(same);
});
