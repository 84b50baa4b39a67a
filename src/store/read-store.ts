import { decodeBody, joinBodies } from './body.ts';
import type { Lookup, StoreCalls } from './messages.ts';
import { selectPage } from './page.ts';
import type { Tables } from './tables.ts';

type Answer<Kind extends keyof StoreCalls> = StoreCalls[Kind]['answer'];

export function readResponse({ responses, turns, bodies }: Tables, { project, id, nowMs }: Lookup): Answer<'get'> {
  const response = responses.findLiving(project, id, nowMs);
  if (response === null) return null;
  const keys = [response.body, ...turns.outputs(response.turn)];
  return joinBodies(keys.map((key) => bodies.read(key)));
}

export function readContext({ responses, turns, bodies }: Tables, { project, id, nowMs }: Lookup): Answer<'context'> {
  const response = responses.findLiving(project, id, nowMs);
  if (response === null) return null;
  const keys = turns.context(response.turn);
  return {
    rootDate: response.root_date,
    status: response.status,
    items: joinBodies(bodies.readAll(keys)),
  };
}

export function readInputItems(
  { responses, turns, bodies }: Tables,
  { project, id, nowMs, page }: StoreCalls['inputItems']['ask'],
): Answer<'inputItems'> {
  const response = responses.findLiving(project, id, nowMs);
  if (response === null) return 'unknown_response';
  const listed = turns.inputs(response.turn).map((key) => bodies.read(key));
  const selected = selectPage(
    listed.map((body) => decodeBody(body).id),
    page,
  );
  if (selected === null) return 'unknown_after';
  const chosen = selected.positions.flatMap((position) => listed[position] ?? []);
  return { items: joinBodies(chosen), hasMore: selected.hasMore };
}

export function readItems({ items, bodies }: Tables, asked: StoreCalls['items']['ask']): Answer<'items'> {
  const { project, ids, nowMs } = asked;
  const keys = [...new Set(ids)].flatMap((id) => items.findLiving(project, id, nowMs) ?? []);
  return joinBodies(bodies.readAll(keys));
}
