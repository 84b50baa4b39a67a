import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { CancelTimer, Clock } from '../../src/domain/clock.ts';
import { openResponseStore, type StoreOptions } from '../../src/store/open-response-store.ts';
import type {
  ItemRecord,
  NewResponse,
  ResponseStore,
  StoredContext,
  StoreError,
} from '../../src/store/response-store.ts';
import { systemClock } from '../../src/system/clock.ts';
import { NOW_MS } from './usage-row.ts';

export { NOW_MS, usageRow } from './usage-row.ts';
export const EXPIRES_MS = NOW_MS + 1_000_000;

/** Real timers, and a wall clock that a test sets. */
export class SettableClock implements Clock {
  wallMs = NOW_MS;

  nowMs(): number {
    return this.wallMs;
  }

  monotonicMs(): number {
    return systemClock.monotonicMs();
  }

  schedule(delayMs: number, callback: () => void): CancelTimer {
    return systemClock.schedule(delayMs, callback);
  }
}

/** An empty directory that goes with the test. */
export function storeDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'chorus-store-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** An open store that is closed with the test. */
export async function openStore(options: Partial<StoreOptions> = {}): Promise<ResponseStore> {
  const opening = await openResponseStore({
    directory: options.directory ?? storeDirectory(),
    clock: new SettableClock(),
    ...options,
  });
  if (opening.kind === 'refused') throw new Error(opening.problem.message);
  onTestFinished(() => opening.store.close());
  return opening.store;
}

/** An item from a client, or with token ids one from an engine. */
export const item = (id: string, text: string, tokenIds: readonly number[] | null = null): ItemRecord => ({
  id,
  json: JSON.stringify({ id, type: 'message', text }),
  tokenIds,
});

/** A first turn without items, but for what is given. */
export const response = (id: string, given: Partial<NewResponse> = {}): NewResponse => ({
  id,
  project: 'default',
  createdAtMs: NOW_MS,
  expiresAtMs: EXPIRES_MS,
  previousResponseId: null,
  newInput: [],
  output: [],
  json: JSON.stringify({ id, object: 'response' }),
  rootDate: '2026-03-01',
  status: 'completed',
  ...given,
});

/** Turn `number` of a conversation `name`: one input, one output, behind the turn before it. */
export const turn = (name: string, number: number, given: Partial<NewResponse> = {}): NewResponse =>
  response(`${name}${number}`, {
    previousResponseId: number === 1 ? null : `${name}${number - 1}`,
    newInput: [item(`${name}${number}-in`, `question ${number} of ${name}`)],
    output: [item(`${name}${number}-out`, `answer ${number} of ${name}`, [200005, number])],
    ...given,
  });

/** The ids of the items of turns 1 to `last` of a conversation, in order. */
export const turnItemIds = (name: string, last: number): string[] =>
  Array.from({ length: last }, (_, index) => [`${name}${index + 1}-in`, `${name}${index + 1}-out`]).flat();

/** A store, and the clock by which it judges what has expired. */
export interface StoreUnderTest {
  readonly store: ResponseStore;
  readonly clock: SettableClock;
}

export async function putTurns(store: ResponseStore, name: string, last: number): Promise<void> {
  for (let number = 1; number <= last; number++) await store.put(turn(name, number));
}

export const idsOf = (context: StoredContext | null): string[] | null => context?.items.map(({ id }) => id) ?? null;

/** How a call fails: its code; `resolved` when it does not. */
export const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'resolved',
    (error: StoreError) => error.code,
  );

/** Everything in the files of a directory, byte for byte as characters. */
export const bytesIn = (directory: string): string =>
  readdirSync(directory)
    .map((name) => readFileSync(join(directory, name), 'latin1'))
    .join('\n');

export const sizeOf = (directory: string): number =>
  readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);

/** Random numbers in [0, 1) that are the same for the same seed. */
export function seededRandom(seed: number): () => number {
  let state = seed * 7919 + 1;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state / 0x80000000;
  };
}
