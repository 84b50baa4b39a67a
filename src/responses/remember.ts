import type { OutputItem, ResponseObject } from '../protocol/responses.ts';
import { StoreError, type ItemRecord, type NewResponse, type ResponseStore } from '../store/response-store.ts';
import type { UsageRow } from '../store/usage-ledger.ts';
import type { InputItem } from './input.ts';

/** Where finished responses are kept, and how long. */
export interface Memory {
  readonly store: ResponseStore;
  readonly retentionMs: number;
}

/** What storing needs beside the response object. */
export interface TurnRecord {
  readonly project: string;
  readonly expiresAtMs: number;
  /** What was said before this turn. */
  readonly context: readonly InputItem[];
  readonly newInput: readonly InputItem[];
  readonly rootDate: string;
  readonly outputTokenIds: ReadonlyMap<string, readonly number[]>;
  /** What the turn cost. */
  readonly usage: UsageRow;
}

/**
 * Keeps a finished response, and what it cost. Resolves when both are on the disk; rejects with the store's reason, and
 * then neither is.
 *
 * When the previous response was deleted while this one was generated, this one is stored with the whole context that
 * it was generated from, as if it had been finished first: what is deleted is the response, and its text only where no
 * other has it in its context.
 */
export async function remember(store: ResponseStore, response: ResponseObject, record: TurnRecord): Promise<void> {
  const stored = storedForm(response, record);
  try {
    await store.put(stored, record.usage);
  } catch (thrown) {
    if (!(thrown instanceof StoreError && thrown.code === 'unknown_parent')) throw thrown;
    const newInput = [...record.context.map(inputRecord), ...stored.newInput];
    await store.put({ ...stored, previousResponseId: null, newInput }, record.usage);
  }
}

function storedForm(response: ResponseObject, record: TurnRecord): NewResponse {
  const { output, ...rest } = response;
  return {
    id: response.id,
    project: record.project,
    createdAtMs: response.created_at * 1000,
    expiresAtMs: record.expiresAtMs,
    previousResponseId: response.previous_response_id,
    newInput: record.newInput.map(inputRecord),
    output: output.map((item) => outputRecord(item, record.outputTokenIds)),
    json: JSON.stringify(rest),
    rootDate: record.rootDate,
    status: response.status,
  };
}

const inputRecord = ({ id, wire, tokenIds }: InputItem): ItemRecord => ({ id, json: JSON.stringify(wire), tokenIds });

const outputRecord = (item: OutputItem, tokenIds: TurnRecord['outputTokenIds']): ItemRecord => ({
  id: item.id,
  json: JSON.stringify(item),
  tokenIds: tokenIds.get(item.id) ?? null,
});
