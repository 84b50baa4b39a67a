import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { packKeys, unpackKeys } from './packed-integers.ts';
import { StoreError } from './response-store.ts';

/** A context of any length is read from at most so many rows. */
const TURNS_BETWEEN_WHOLE_LISTS = 16;

/** What one turn adds to its conversation, as body keys. */
export interface TurnItems {
  readonly input: readonly number[];
  readonly output: readonly number[];
}

/** A turn that is gone, with the items that it listed. */
export interface RemovedTurn extends TurnItems {
  readonly turn: number;
}

interface TurnRow {
  readonly parent: number | null;
  readonly depth: number;
  readonly input: Uint8Array;
  readonly output: Uint8Array;
  readonly earlier: Uint8Array | null;
}

/**
 * The tree of turns. Each row holds what its turn added, and every 16th in depth the whole list before it: a fork costs
 * one row, a conversation grows by what is said, and no read walks to its root.
 */
export class Turns {
  readonly #insert: StatementSync;
  readonly #select: StatementSync;
  readonly #remove: StatementSync;
  readonly #needed: StatementSync;

  constructor(database: DatabaseSync) {
    this.#insert = database.prepare(
      'INSERT INTO turns (project, parent, depth, input, output, earlier) VALUES (?, ?, ?, ?, ?, ?)',
    );
    this.#select = database.prepare('SELECT parent, depth, input, output, earlier FROM turns WHERE key = ?');
    this.#remove = database.prepare('DELETE FROM turns WHERE key = ?');
    this.#needed = database.prepare(
      'SELECT EXISTS (SELECT 1 FROM responses WHERE turn = ?1) OR EXISTS (SELECT 1 FROM turns WHERE parent = ?1) AS needed',
    );
  }

  /** Adds a turn behind `parent`, or at the root when that is null; returns its key. */
  add(project: string, parent: number | null, { input, output }: TurnItems): number {
    const depth = parent === null ? 0 : this.#row(parent).depth + 1;
    const wantsWholeList = parent !== null && depth % TURNS_BETWEEN_WHOLE_LISTS === 0;
    const earlier = wantsWholeList ? packKeys(this.context(parent)) : null;
    const { lastInsertRowid } = this.#insert.run(project, parent, depth, packKeys(input), packKeys(output), earlier);
    return Number(lastInsertRowid);
  }

  /** Everything up to and with the turn's output. */
  context(turn: number): number[] {
    return [...this.inputs(turn), ...this.outputs(turn)];
  }

  /** Everything up to and with the turn's own input. */
  inputs(turn: number): number[] {
    const parts: number[][] = [];
    let { parent, input, earlier } = this.#row(turn);
    parts.push(unpackKeys(input));
    while (earlier === null && parent !== null) {
      const row = this.#row(parent);
      parts.push(unpackKeys(row.output), unpackKeys(row.input));
      ({ parent, earlier } = row);
    }
    if (earlier !== null) parts.push(unpackKeys(earlier));
    return parts.reverse().flat();
  }

  outputs(turn: number): number[] {
    return unpackKeys(this.#row(turn).output);
  }

  /** Removes the turn and its ancestors, up to the first that a response or another turn needs. */
  prune(turn: number): RemovedTurn[] {
    const removed: RemovedTurn[] = [];
    for (let next: number | null = turn; next !== null && !this.#isNeeded(next);) {
      const { parent, input, output } = this.#row(next);
      this.#remove.run(next);
      removed.push({ turn: next, input: unpackKeys(input), output: unpackKeys(output) });
      next = parent;
    }
    return removed;
  }

  #isNeeded(turn: number): boolean {
    return this.#needed.get(turn)?.['needed'] === 1;
  }

  #row(turn: number): TurnRow {
    const row = this.#select.get(turn);
    if (row === undefined) throw new StoreError('corrupt', `The store's file has lost turn ${turn}.`);
    return row as unknown as TurnRow;
  }
}
