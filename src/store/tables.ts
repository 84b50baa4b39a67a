import type { DatabaseSync } from 'node:sqlite';
import { Bodies } from './bodies.ts';
import { Items } from './items.ts';
import { Responses } from './responses.ts';
import { Turns } from './turns.ts';
import { Usage } from './usage.ts';

/** The owners of the tables, each of its own. */
export interface Tables {
  readonly bodies: Bodies;
  readonly items: Items;
  readonly turns: Turns;
  readonly responses: Responses;
  readonly usage: Usage;
}

export function prepareTables(database: DatabaseSync): Tables {
  const bodies = new Bodies(database);
  return {
    bodies,
    items: new Items(database, bodies),
    turns: new Turns(database),
    responses: new Responses(database),
    usage: new Usage(database),
  };
}
