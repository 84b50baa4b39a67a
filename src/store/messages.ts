import type { MeasuredBody } from './body.ts';
import type {
  ItemPage,
  NewResponse,
  StoreContents,
  StoredContext,
  StoreErrorCode,
  StoreProblem,
} from './response-store.ts';
import type { UsageRow, UsageSweep } from './usage-ledger.ts';
import type { Looked, UsageLook, UsagePart, UsageRecord } from './usage.ts';

/** What the gateway's thread and the store's thread say to each other. */

/** What the worker is started with. */
export interface WorkerOptions {
  readonly databaseFile: string;
  /** Names the process that holds the database. */
  readonly ownerFile: string;
  /** The database may not grow beyond it; null for no such limit. */
  readonly maxFileBytes: number | null;
}

/** What the file is to keep of an item or of a response object (`body.ts`), as the worker finds it in a group. */
export interface PackedItem {
  readonly id: string;
  readonly body: Uint8Array;
}

/** A `NewResponse` with its items, and `object`, the response object, as something that stands for their texts. */
export interface ResponseOf<Item> extends Omit<NewResponse, 'newInput' | 'output' | 'json'> {
  readonly newInput: readonly Item[];
  readonly output: readonly Item[];
  readonly object: Item;
}

/** One change; several are committed together, in order. */
export type StoreWrite<Item = PackedItem> =
  | { readonly kind: 'put'; readonly response: ResponseOf<Item>; readonly usage: UsageRow | null }
  | { readonly kind: 'delete'; readonly project: string; readonly id: string; readonly nowMs: number }
  | { readonly kind: 'sweep'; readonly nowMs: number; readonly limit: number }
  | { readonly kind: 'usage'; readonly row: UsageRow }
  | { readonly kind: 'usage_delivered'; readonly position: number }
  | { readonly kind: 'sweep_usage'; readonly sweep: UsageSweep };

/** A change that waits for others. */
export type PendingWrite = StoreWrite<MeasuredBody>;

/** Changes as they go to the worker (`write-group.ts`). */
export interface WriteGroup {
  /** JSON of the changes, in which each item has the length of its body in place of it. */
  readonly text: string;
  /** All bodies, one after another. */
  readonly bodies: Uint8Array<ArrayBuffer>;
}

export interface StoreFailure {
  readonly code: StoreErrorCode;
  readonly message: string;
}

/** What became of one change: how many responses or rows it removed, or why nothing of it was done. */
export type WriteOutcome = { readonly removed: number } | { readonly failure: StoreFailure };

/** Whose context or response is wanted; expired ones are unknown. */
export interface Lookup {
  readonly project: string;
  readonly id: string;
  readonly nowMs: number;
}

/** Items, as `joinBodies` packs them. */
export type PackedItems = Uint8Array<ArrayBuffer>;

/** Per kind of call, what is asked and what comes back. */
export interface StoreCalls {
  write: { readonly ask: WriteGroup; readonly answer: readonly WriteOutcome[] };
  /** `items`: the response object, then its output. */
  get: { readonly ask: Lookup; readonly answer: PackedItems | null };
  context: {
    readonly ask: Lookup;
    readonly answer: (Omit<StoredContext, 'items'> & { readonly items: PackedItems }) | null;
  };
  inputItems: {
    readonly ask: Lookup & { readonly page: ItemPage };
    readonly answer: { readonly items: PackedItems; readonly hasMore: boolean } | 'unknown_response' | 'unknown_after';
  };
  items: {
    readonly ask: { readonly project: string; readonly ids: readonly string[]; readonly nowMs: number };
    readonly answer: PackedItems;
  };
  usageRecords: {
    readonly ask: { readonly look: UsageLook; readonly limit: number };
    readonly answer: Looked<UsageRecord>;
  };
  usageParts: { readonly ask: UsageLook; readonly answer: Looked<UsagePart> };
  contents: { readonly ask: null; readonly answer: StoreContents };
  close: { readonly ask: null; readonly answer: null };
}

export type StoreCallKind = keyof StoreCalls;

/** `number` counts the calls, so that the answer finds its caller. */
export type StoreRequest = {
  readonly [Kind in StoreCallKind]: {
    readonly number: number;
    readonly kind: Kind;
    readonly ask: StoreCalls[Kind]['ask'];
  };
}[StoreCallKind];

/** The worker's first message says whether it has the database; then one comes for each request, in order. */
export type StoreGreeting = { readonly problem: StoreProblem | null };

export type StoreReply =
  | { readonly number: number; readonly answer: StoreCalls[StoreCallKind]['answer'] }
  | { readonly number: number; readonly failure: StoreFailure };
