import { CodedError, type ErrorName } from '../domain/errors.ts';
import type { CreateResponseBody } from '../protocol/responses.ts';
import { StoreError, type ItemRecord, type ResponseStore, type StoredContext } from '../store/response-store.ts';
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
    ids.length === 0 || store === null ? NO_ITEMS : readable(store.items(project, ids), 'invalid_value', 'input'),
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

const NO_ITEMS: ReadonlyMap<string, ItemRecord> = new Map();

async function recallContext(store: ResponseStore | null, project: string, id: string): Promise<StoredContext> {
  const asked = store?.context(project, id) ?? Promise.resolve(null);
  const context = await readable(asked, 'invalid_previous_response', 'previous_response_id');
  if (context === null) {
    const message = `Previous response with id '${id.slice(0, 80)}' not found. It may have been deleted, have expired, or have been made with store: false.`;
    throw new CodedError('previous_response_not_found', message, { param: 'previous_response_id' });
  }
  const { status } = context;
  if (status === 'completed' || status === 'incomplete') return context;
  const message = `The previous response is ${status} and cannot be continued. Continue an earlier one.`;
  throw new CodedError('invalid_previous_response', message, { param: 'previous_response_id' });
}

/** What is too large to be read is the client's to mend: `param` names it. */
async function readable<Found>(asked: Promise<Found>, errorName: ErrorName, param: string): Promise<Found> {
  try {
    return await asked;
  } catch (cause) {
    if (!(cause instanceof StoreError && cause.code === 'too_large')) throw cause;
    const message = `What ${param} names is too large. ${cause.message} Begin anew with what still matters, without old images and files: the model reads text only.`;
    throw new CodedError(errorName, message, { param, cause });
  }
}

/** A stored item as it was when it was read or generated. */
function toInputItem({ id, json, tokenIds }: ItemRecord, unseal: ReadOptions['unseal']): InputItem {
  const wire = JSON.parse(json) as Json;
  return { ...readContentOf(wire, 'item', { unseal }), id, wire, tokenIds };
}
