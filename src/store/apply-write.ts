import type { PackedItem, ResponseOf, StoreWrite } from './messages.ts';
import { StoreError } from './response-store.ts';
import type { ResponseRow } from './responses.ts';
import type { Tables } from './tables.ts';

/**
 * Does one change within the open transaction; returns how many responses or rows it removed. Throws a `StoreError` before it
 * has written anything where the change itself is at fault, and SQLite's errors at any point.
 */
export function applyWrite(tables: Tables, write: StoreWrite): number {
  switch (write.kind) {
    case 'put':
      put(tables, write.response);
      if (write.usage !== null) tables.usage.add(write.usage);
      return 0;
    case 'delete': {
      const response = tables.responses.findLiving(write.project, write.id, write.nowMs);
      if (response === null) return 0;
      remove(tables, response);
      return 1;
    }
    case 'sweep': {
      const expired = tables.responses.expired(write.nowMs, write.limit);
      for (const response of expired) remove(tables, response);
      return expired.length;
    }
    case 'usage':
      tables.usage.add(write.row);
      return 0;
    case 'usage_delivered':
      tables.usage.markDelivered(write.position);
      return 0;
    case 'sweep_usage':
      return tables.usage.sweep(write.sweep);
  }
}

function put(tables: Tables, response: ResponseOf<PackedItem>): void {
  const { project, id } = response;
  if (tables.responses.find(project, id) !== null) {
    throw new StoreError('duplicate_response', `The response ${id} is stored already.`);
  }
  const parent = findParent(tables, response);
  const input = response.newInput.map((item) => tables.items.keep(project, item));
  const output = response.output.map((item) => tables.items.keep(project, item));
  const turn = tables.turns.add(project, parent, { input, output });
  tables.items.use(turn, [...input, ...output]);
  tables.responses.add({
    turn,
    project,
    id,
    created_at: response.createdAtMs,
    expires_at: response.expiresAtMs,
    previous_response_id: response.previousResponseId,
    root_date: response.rootDate,
    body: tables.bodies.keep(response.object.body),
    status: response.status,
  });
}

function findParent({ responses }: Tables, { project, previousResponseId }: ResponseOf<PackedItem>): number | null {
  if (previousResponseId === null) return null;
  const parent = responses.find(project, previousResponseId);
  if (parent !== null) return parent.turn;
  throw new StoreError('unknown_parent', `The previous response ${previousResponseId} is not stored any more.`);
}

function remove({ responses, bodies, turns, items }: Tables, { turn, project, body }: ResponseRow): void {
  responses.remove(turn);
  bodies.release(body);
  for (const removed of turns.prune(turn)) {
    items.letGo(project, removed.turn, [...removed.input, ...removed.output]);
  }
}
