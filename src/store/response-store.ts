import type { ResponseObject } from '../protocol/responses.ts';
import type { UsageLedger, UsageRow, UsageState } from './usage-ledger.ts';

export type ResponseStatus = ResponseObject['status'];

/** One item of a conversation, stored once per project, whoever refers to it. */
export interface ItemRecord {
  readonly id: string;
  /** The wire item as JSON text, its id included. */
  readonly json: string;
  /** What the engine generated for it, header included; null for an item that came from a client. */
  readonly tokenIds: readonly number[] | null;
}

/** What one finished response adds to its conversation. */
export interface NewResponse {
  readonly id: string;
  readonly project: string;
  readonly createdAtMs: number;
  /** From this moment on nobody can read it. */
  readonly expiresAtMs: number;
  /** Its context is this response's whole context, then `newInput`, then `output`. Null for a first turn. */
  readonly previousResponseId: string | null;
  /**
   * An item whose id and JSON are those of a stored item is that item, its token ids included. Where the id is known but
   * the JSON is another, the new one is stored beside it, and the id then means the new one.
   */
  readonly newInput: readonly ItemRecord[];
  readonly output: readonly ItemRecord[];
  /** The response object without `output`, as JSON text. */
  readonly json: string;
  /** `YYYY-MM-DD` of the chain's first turn. */
  readonly rootDate: string;
  /** How it ended: its `status`. */
  readonly status: ResponseStatus;
}

export interface StoredResponse {
  /** The response object without `output`, as JSON text. */
  readonly json: string;
  readonly output: readonly ItemRecord[];
}

/** Everything that was said up to and with one response, in order. */
export interface StoredContext {
  readonly items: readonly ItemRecord[];
  readonly rootDate: string;
  /** How that response ended. */
  readonly status: ResponseStatus;
}

/** How much is kept, and until when. */
export interface StoreContents {
  /** Expired ones that are not swept yet included. */
  readonly responses: number;
  /** Of the database's file; its log beside it is emptied again and again. */
  readonly bytes: number;
  /** When the next response expires, in Unix milliseconds; null when there is none. */
  readonly nextExpiryMs: number | null;
  readonly usage: UsageState;
}

/** One group of changes that was handed to the disk. */
export interface CommitReport {
  readonly durationMs: number;
  /** How each change ended: `ok`, or why nothing of it was done. */
  readonly results: readonly ('ok' | StoreErrorCode)[];
}

/** Which part of a list is wanted. */
export interface ItemPage {
  /** The id of the item that the page begins behind, in the page's order; null for the first page. */
  readonly after: string | null;
  /** At least 1. */
  readonly limit: number;
  /** `asc` is the order of the conversation. */
  readonly order: 'asc' | 'desc';
}

export interface ItemList {
  /** In the order asked for, at most `limit`. */
  readonly items: readonly ItemRecord[];
  /** At least one more item follows in this order. */
  readonly hasMore: boolean;
}

/**
 * What the gateway remembers. Every id is looked up within its project; an id of another project is as unknown as one
 * that never was, at the same cost. Reads see every `put` and `delete` that was called before them, committed or not: a
 * read of something not yet committed waits for that commit. An expired response is unknown, whether it was swept or not.
 *
 * All methods reject with a `StoreError`, and with nothing else.
 */
export interface ResponseStore {
  /**
   * Resolves when the response is on the disk: after that, the death of the process or of the machine loses nothing of
   * it. Several are committed together, all or none, within about 5 ms.
   *
   * Rejects with `unknown_parent` (the previous response was deleted or swept meanwhile), `duplicate_response`,
   * `overloaded` (more waits for the disk than the store holds; nothing was taken on), or with what the disk says; then
   * nothing of it is stored, and the store goes on.
   *
   * `usage` is the response's row of the ledger: both are stored or neither. It outlives the response.
   */
  put(response: NewResponse, usage?: UsageRow | null): Promise<void>;

  /** Null when there is no such response in this project. */
  get(project: string, id: string): Promise<StoredResponse | null>;

  /**
   * The whole context of a follow-up to `id`: the inputs and outputs of all its ancestors, deleted ones included, its
   * own input and its own output. Null when there is no such response. Rejects with `too_large` beyond 64 MiB.
   */
  context(project: string, id: string): Promise<StoredContext | null>;

  /**
   * The input of `id`: the context of its parent and its own new input, without its own output. An item that stands in
   * it more than once is listed once, where it stands first.
   */
  inputItems(project: string, id: string, page: ItemPage): Promise<ItemList | 'unknown_response' | 'unknown_after'>;

  /**
   * Items by their ids, for `item_reference`; ids that are not stored are left out. An item goes with the last response
   * that has it in its context: when that is deleted, and from the moment on at which that expires. Rejects with
   * `too_large` beyond 64 MiB.
   */
  items(project: string, ids: readonly string[]): Promise<ReadonlyMap<string, ItemRecord>>;

  /**
   * Forgets a response; false when there is no such response. When it resolves, its text is in no file of the store any
   * more, unless another response has it in its context: those go on working.
   */
  delete(project: string, id: string): Promise<boolean>;

  /** Deletes at most `limit` responses that have expired by `nowMs`; resolves with how many. */
  sweep(nowMs: number, limit: number): Promise<number>;

  /** What the store holds, at a cost that does not grow with it. */
  contents(): Promise<StoreContents>;

  /** What every turn cost, stored or not. */
  readonly usage: UsageLedger;

  /** Changes that are not on the disk yet. */
  readonly pendingWrites: number;

  /** Calls `listener` with every group of changes whose end is known. One listener; the last one counts. */
  onCommit(listener: (report: CommitReport) => void): void;

  /** Commits what waits, then lets go of the files. Every later call rejects with `closed`. May be called again. */
  close(): Promise<void>;
}

/**
 * Why the store did not do something. `disk_full`, `read_only`, `io_error`: the disk; the next call may succeed.
 * `corrupt`: the file holds something that SQLite did not write. `too_large`: more than may be read for one request.
 * `failed`: a fault of Chorus itself.
 */
export type StoreErrorCode =
  | 'unknown_parent'
  | 'duplicate_response'
  | 'overloaded'
  | 'too_large'
  | 'disk_full'
  | 'read_only'
  | 'io_error'
  | 'corrupt'
  | 'closed'
  | 'failed';

/** Its message may stand in a log and in any client's answer: it quotes nothing that is stored. */
export class StoreError extends Error {
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string) {
    super(message);
    this.name = 'StoreError';
    this.code = code;
  }
}

/** Why there is no store; the caller may go on without one, and says so. */
export interface StoreProblem {
  readonly code:
    'in_use' | 'network_filesystem' | 'read_only' | 'disk_full' | 'corrupt' | 'newer_schema' | 'cannot_open';
  /** One sentence: what is wrong, with the path. */
  readonly message: string;
  /** One sentence: what the person should do. */
  readonly remedy: string;
}

export type StoreOpening =
  | { readonly kind: 'opened'; readonly store: ResponseStore }
  | { readonly kind: 'refused'; readonly problem: StoreProblem };
