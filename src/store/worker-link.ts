import { once } from 'node:events';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { StoreCallKind, StoreCalls, StoreGreeting, StoreReply, WorkerOptions } from './messages.ts';
import { storeProblem } from './opening-problem.ts';
import { StoreError, type StoreProblem } from './response-store.ts';

interface Waiting {
  readonly resolve: (answer: StoreCalls[StoreCallKind]['answer']) => void;
  readonly reject: (error: StoreError) => void;
}

/** Starts the store's thread and waits until it has the database; resolves with a problem when it cannot have it. */
export async function startWorker(options: WorkerOptions): Promise<WorkerLink | StoreProblem> {
  const file = new URL(`worker${extname(import.meta.url)}`, import.meta.url);
  const worker = new Worker(file, { workerData: options });
  const problem = await hearGreeting(worker);
  if (problem === null) return new WorkerLink(worker);
  await worker.terminate();
  return problem;
}

async function hearGreeting(worker: Worker): Promise<StoreProblem | null> {
  try {
    const [{ problem }] = (await once(worker, 'message')) as [StoreGreeting];
    return problem;
  } catch (thrown) {
    return storeProblem('cannot_open', `The store's thread does not start: ${(thrown as Error).message}.`);
  }
}

/** Calls to the store's thread, which answers them in the order in which they were made. */
export class WorkerLink {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #lastNumber = 0;
  #ended: StoreError | null = null;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.on('message', (reply: StoreReply) => this.#settle(reply));
    worker.on('error', (error) => this.#end(`The store's thread failed (${error.message}).`));
    worker.on('exit', () => this.#end("The store's thread has ended."));
  }

  /**
   * The thread gets the buffers `handedOver` themselves, not copies. Rejects with a `StoreError`: the worker's own, or
   * `failed` when its thread has ended.
   */
  call<Kind extends StoreCallKind>(
    kind: Kind,
    ask: StoreCalls[Kind]['ask'],
    handedOver: readonly ArrayBuffer[] = [],
  ): Promise<StoreCalls[Kind]['answer']> {
    const { promise, resolve, reject } = Promise.withResolvers<StoreCalls[Kind]['answer']>();
    if (this.#ended !== null) {
      reject(this.#ended);
      return promise;
    }
    const number = ++this.#lastNumber;
    this.#waiting.set(number, { resolve, reject });
    this.#worker.postMessage({ number, kind, ask }, handedOver);
    return promise;
  }

  /** Resolves when the thread is no more. */
  whenEnded(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#ended === null) this.#worker.once('exit', () => resolve());
      else resolve();
    });
  }

  #settle(reply: StoreReply): void {
    const waiting = this.#waiting.get(reply.number);
    this.#waiting.delete(reply.number);
    if ('answer' in reply) waiting?.resolve(reply.answer);
    else waiting?.reject(new StoreError(reply.failure.code, reply.failure.message));
  }

  #end(reason: string): void {
    this.#ended ??= new StoreError('failed', reason);
    for (const { reject } of this.#waiting.values()) reject(this.#ended);
    this.#waiting.clear();
  }
}
