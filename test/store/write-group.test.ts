import { expect, it } from 'vitest';
import { decodeBody, measureBody } from '../../src/store/body.ts';
import type { PendingWrite } from '../../src/store/messages.ts';
import type { ItemRecord } from '../../src/store/response-store.ts';
import { packGroup, unpackGroup } from '../../src/store/write-group.ts';

const item = (id: string, tokenIds: readonly number[] | null = null): ItemRecord => ({
  id,
  json: `{"id":"${id}","text":"ü 😀"}`,
  tokenIds,
});

const aPut = (id: string): PendingWrite => ({
  kind: 'put',
  usage: null,
  response: {
    id,
    project: 'default',
    createdAtMs: 1,
    expiresAtMs: 2,
    previousResponseId: null,
    rootDate: '2026-01-01',
    status: 'completed',
    newInput: [measureBody(item(`${id}-a`)), measureBody(item(`${id}-b`))],
    output: [measureBody(item(`${id}-c`, [200_005, 0, 7])), measureBody(item(`${id}-d`))],
    object: measureBody(item(id)),
  },
});

it('brings changes to the other thread as they were, each item with its own body', () => {
  const aDelete: PendingWrite = { kind: 'delete', project: 'default', id: 'ü', nowMs: 3 };
  const unpacked = unpackGroup(packGroup([aPut('x'), aDelete, aPut('y')]));
  const [put, deletion, otherPut] = unpacked;
  expect(deletion).toEqual(aDelete);
  for (const [write, id] of [
    [put, 'x'],
    [otherPut, 'y'],
  ] as const) {
    if (write?.kind !== 'put') throw new Error('not a put');
    const { newInput, output, object, ...rest } = write.response;
    const records = [...newInput, ...output, object].map((entry) => ({ ...decodeBody(entry.body), name: entry.id }));
    expect(records).toEqual([
      { ...item(`${id}-a`), name: `${id}-a` },
      { ...item(`${id}-b`), name: `${id}-b` },
      { ...item(`${id}-c`, [200_005, 0, 7]), name: `${id}-c` },
      { ...item(`${id}-d`), name: `${id}-d` },
      { ...item(id), name: id },
    ]);
    const { createdAtMs, expiresAtMs, previousResponseId, project, rootDate, status } = rest;
    expect({ createdAtMs, expiresAtMs, previousResponseId, project, rootDate, status }).toEqual({
      createdAtMs: 1,
      expiresAtMs: 2,
      previousResponseId: null,
      project: 'default',
      rootDate: '2026-01-01',
      status: 'completed',
    });
  }
});
