import type { OutputItem, ResponseObject } from '../protocol/responses.ts';
import type { ItemRecord, NewResponse, ResponseStore } from '../store/response-store.ts';
import type { InputItem } from './input.ts';

/** Where and under what name a finished response is kept. */
export interface Memory {
  readonly store: ResponseStore;
  readonly project: string;
  readonly retentionMs: number;
}

/** What storing needs beside the response object. */
export interface TurnRecord {
  readonly newInput: readonly InputItem[];
  readonly rootDate: string;
  readonly outputTokenIds: ReadonlyMap<string, readonly number[]>;
}

/** Keeps a finished response. Resolves when it is on the disk; rejects with the store's reason. */
export function remember(
  { store, project, retentionMs }: Memory,
  response: ResponseObject,
  record: TurnRecord,
): Promise<void> {
  const { output, ...rest } = response;
  const createdAtMs = response.created_at * 1000;
  const stored: NewResponse = {
    id: response.id,
    project,
    createdAtMs,
    expiresAtMs: createdAtMs + retentionMs,
    previousResponseId: response.previous_response_id,
    newInput: record.newInput.map(({ id, wire, tokenIds }) => ({ id, json: JSON.stringify(wire), tokenIds })),
    output: output.map((item) => outputRecord(item, record.outputTokenIds)),
    json: JSON.stringify(rest),
    rootDate: record.rootDate,
  };
  return store.put(stored);
}

const outputRecord = (item: OutputItem, tokenIds: TurnRecord['outputTokenIds']): ItemRecord => ({
  id: item.id,
  json: JSON.stringify(item),
  tokenIds: tokenIds.get(item.id) ?? null,
});
