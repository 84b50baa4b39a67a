import { CodedError } from '../domain/errors.ts';
import type { CreateResponseBody } from '../protocol/responses.ts';
import type { ItemRecord, ResponseStore, StoredContext } from '../store/response-store.ts';
import { readContentOf, referencedIds, type InputItem, type ReadOptions } from './input.ts';
import type { Json } from './json.ts';

/** What a request builds on that it does not carry itself. */
export interface Recalled {
  /** The whole context of `previous_response_id`; empty for a first turn. */
  readonly context: readonly InputItem[];
  /** The date of the chain's first turn; null for a first turn. */
  readonly rootDate: string | null;
  readonly referenced: ReadOptions['referenced'];
}

/** What a first turn without references builds on. */
export const NOTHING_RECALLED: Recalled = { context: [], rootDate: null, referenced: () => null };

/**
 * Looks up what a request refers to: its previous response and its item references. Throws a `CodedError` for what is
 * not there: an id of another project is as unknown as one that never was.
 */
export async function recall(
  store: ResponseStore | null,
  project: string,
  body: Pick<CreateResponseBody, 'input' | 'previous_response_id'>,
  unseal: ReadOptions['unseal'],
): Promise<Recalled> {
  const previous = body.previous_response_id;
  const ids = referencedIds(body.input);
  if (previous === undefined && ids.length === 0) return NOTHING_RECALLED;
  const [context, items] = await Promise.all([
    previous === undefined ? null : recallContext(store, project, previous),
    ids.length === 0 || store === null ? new Map<string, ItemRecord>() : store.items(project, ids),
  ]);
  return {
    context: context?.items.map((record) => toInputItem(record, unseal)) ?? [],
    rootDate: context?.rootDate ?? null,
    referenced: (id) => {
      const record = items.get(id);
      return record === undefined ? null : toInputItem(record, unseal);
    },
  };
}

async function recallContext(store: ResponseStore | null, project: string, id: string): Promise<StoredContext> {
  const context = (await store?.context(project, id)) ?? null;
  if (context === null) {
    const message = `Previous response with id '${id.slice(0, 80)}' not found. It may have been deleted, have expired, or have been made with store: false.`;
    throw new CodedError('previous_response_not_found', message, { param: 'previous_response_id' });
  }
  const { status } = context;
  if (status === 'completed' || status === 'incomplete') return context;
  const message = `The previous response is ${status} and cannot be continued. Continue an earlier one.`;
  throw new CodedError('invalid_previous_response', message, { param: 'previous_response_id' });
}

/** A stored item as it was when it was read or generated. */
function toInputItem({ id, json, tokenIds }: ItemRecord, unseal: ReadOptions['unseal']): InputItem {
  const wire = JSON.parse(json) as Json;
  return { ...readContentOf(wire, 'item', { unseal }), id, wire, tokenIds };
}
