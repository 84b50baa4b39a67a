import { CodedError } from '../domain/errors.ts';
import type { ResponseObject } from '../protocol/responses.ts';
import type { ItemPage, ItemRecord, ResponseStore } from '../store/response-store.ts';
import { withOutputText } from './asked-response.ts';

/** A page as a query asks for it. */
export interface PageQuery {
  readonly after?: string;
  readonly limit?: string;
  readonly order?: string;
}

/** A list as OpenAI's API has it; the ids are of this page as it is returned, `""` when it is empty. */
export interface ListBody {
  readonly object: 'list';
  readonly data: readonly unknown[];
  readonly first_id: string;
  readonly last_id: string;
  readonly has_more: boolean;
}

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 100;

/** The page that a query asks for. Throws a `CodedError` that names the parameter. */
export function readPage({ after, limit, order }: PageQuery): ItemPage {
  const count = limit === undefined ? DEFAULT_LIMIT : Number(limit);
  if (!Number.isInteger(count)) throw new CodedError('invalid_type', 'limit must be an integer.', { param: 'limit' });
  if (count < 1) throw new CodedError('integer_below_minimum', 'limit must be at least 1.', { param: 'limit' });
  if (count > MAX_LIMIT) {
    throw new CodedError('integer_above_maximum', `limit must be at most ${MAX_LIMIT}.`, { param: 'limit' });
  }
  if (order !== undefined && order !== 'asc' && order !== 'desc') {
    throw new CodedError('invalid_value', "order must be 'asc' or 'desc'.", { param: 'order' });
  }
  return { after: after ?? null, limit: count, order: order ?? 'desc' };
}

/** A stored response, the same object as its terminal event carried. Throws a 404 for what is not there. */
export async function retrieveResponse(
  store: ResponseStore,
  project: string,
  id: string,
): Promise<ResponseObject & { output_text: string }> {
  const stored = await store.get(project, id);
  if (stored === null) throw notFound(id);
  const output = stored.output.map(({ json }) => JSON.parse(json) as unknown);
  return withOutputText({ ...(JSON.parse(stored.json) as object), output } as ResponseObject);
}

export async function deleteResponse(store: ResponseStore, project: string, id: string): Promise<object> {
  if (await store.delete(project, id)) return { id, object: 'response', deleted: true };
  throw notFound(id);
}

/** What a response was given: all that was said before it, and its own new input. */
export async function listInputItems(
  store: ResponseStore,
  project: string,
  id: string,
  page: ItemPage,
): Promise<ListBody> {
  const list = await store.inputItems(project, id, page);
  if (list === 'unknown_response') throw notFound(id);
  if (list === 'unknown_after') {
    const message = `No item with id '${page.after?.slice(0, 80)}' is in this list.`;
    throw new CodedError('invalid_value', message, { param: 'after' });
  }
  return listBody(list.items, list.hasMore);
}

const listBody = (items: readonly ItemRecord[], hasMore: boolean): ListBody => ({
  object: 'list',
  data: items.map(({ json }) => JSON.parse(json) as unknown),
  first_id: items[0]?.id ?? '',
  last_id: items.at(-1)?.id ?? '',
  has_more: hasMore,
});

const notFound = (id: string): CodedError =>
  new CodedError('not_found', `Response with id '${id.slice(0, 80)}' not found.`);
