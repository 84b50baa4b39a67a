import type { CancelTimer, Clock } from '../domain/clock.ts';
import type { EngineFinishReason } from '../protocol/generate.ts';
import type { SimulatorOptions } from './command-line.ts';
import type { GenerationRequest } from './generation-request.ts';
import { PrefixCache } from './prefix-cache.ts';

export interface Finish {
  readonly reason: EngineFinishReason;
  readonly stopReason: number | null;
}

/** Hears one generation to its `finish`, or to `onDeath` when the engine dies. Nothing after an abort. */
export interface GenerationSink {
  /** What is due of a stream, or all of an answer; `finish` comes with the last ids, maybe none after an abort request. */
  onTokens(tokenIds: readonly number[], finish: Finish | null): void;
  onDeath(): void;
}

interface Generation {
  readonly id: string;
  readonly request: GenerationRequest;
  readonly completion: readonly number[];
  readonly sink: GenerationSink;
  generated: number;
  /** How many of the generated ids the sink has had. */
  sent: number;
  cancel: CancelTimer;
}

export interface EngineCounts {
  promptTokens: number;
  cachedTokens: number;
  generationTokens: number;
  /** Steps of the engine; here each makes one token. */
  iterations: number;
  readonly finished: Record<EngineFinishReason, number>;
}

export type EngineSettings = Pick<
  SimulatorOptions,
  'tokenIntervalMs' | 'retentionTokens' | 'crashAfterTokens' | 'hangAfterTokens'
>;

/** KV blocks that vLLM's CPU build has with 1 GiB. */
const CAPACITY_BLOCKS = 5_242;
const RETURN_TOKEN_ID = 200_002;

/** The part of vLLM behind its server: generates for everybody at a fixed pace, until it is frozen or dead. */
export class SimulatedEngine {
  readonly counts: EngineCounts = {
    promptTokens: 0,
    cachedTokens: 0,
    generationTokens: 0,
    iterations: 0,
    finished: { stop: 0, length: 0, abort: 0, error: 0, repetition: 0 },
  };
  /** Called once when the engine dies. */
  onDeath: () => void = () => {};
  /** Called when the last running generation has ended. */
  onIdle: () => void = () => {};
  readonly #clock: Clock;
  readonly #settings: EngineSettings;
  #tokenIntervalMs: number;
  readonly #cache: PrefixCache;
  readonly #running = new Set<Generation>();
  #condition: 'working' | 'frozen' | 'dead' = 'working';
  /** What was running when it froze: the metrics tell nothing newer. */
  #frozenRunning = 0;

  constructor(clock: Clock, settings: EngineSettings) {
    this.#clock = clock;
    this.#settings = settings;
    this.#tokenIntervalMs = settings.tokenIntervalMs;
    this.#cache = new PrefixCache({ capacityBlocks: CAPACITY_BLOCKS, retainAll: settings.retentionTokens > 0 });
  }

  get runningCount(): number {
    return this.#running.size;
  }

  /** The gauge of the metrics page: the server repeats what the engine last told it. */
  get reportedRunning(): number {
    return this.#condition === 'frozen' ? this.#frozenRunning : this.#running.size;
  }

  get dead(): boolean {
    return this.#condition === 'dead';
  }

  /**
   * Begins a generation that will say `completion`; ids may repeat. `openSink` is told how many prompt tokens the cache
   * had. The returned function drops the generation because its client is gone, which like vLLM counts nowhere.
   */
  start(
    id: string,
    request: GenerationRequest,
    completion: readonly number[],
    openSink: (cachedTokens: number) => GenerationSink,
  ): () => void {
    const { promptTokenIds, cacheSalt } = request;
    const cachedTokens = this.#cache.match(promptTokenIds, cacheSalt);
    this.#cache.remember(promptTokenIds, promptTokenIds.length, cacheSalt);
    this.counts.promptTokens += promptTokenIds.length;
    this.counts.cachedTokens += cachedTokens;
    const sink = openSink(cachedTokens);
    const generation = { id, request, completion, sink, generated: 0, sent: 0, cancel: () => {} };
    this.#running.add(generation);
    this.#scheduleNext(generation);
    return () => this.#end(generation);
  }

  /** Ends every generation of this id by request: its stream gets finish reason `abort`. */
  abort(id: string): void {
    for (const generation of this.#running) {
      if (generation.id !== id) continue;
      this.#end(generation);
      this.#send(generation, { reason: 'abort', stopReason: null });
    }
  }

  /** No further token comes, for nobody; nothing ends. */
  freeze(): void {
    if (this.#condition !== 'working') return;
    this.#condition = 'frozen';
    this.#frozenRunning = this.#running.size;
    for (const { cancel } of this.#running) cancel();
  }

  /** Everything goes on where it stood. */
  thaw(): void {
    if (this.#condition !== 'frozen') return;
    this.#condition = 'working';
    for (const generation of this.#running) this.#scheduleNext(generation);
  }

  /** The pace of all tokens from the next one on. */
  setTokenInterval(tokenIntervalMs: number): void {
    this.#tokenIntervalMs = tokenIntervalMs;
  }

  /** The engine process is gone: what runs fails, and nothing can be begun any more. */
  die(): void {
    if (this.#condition === 'dead') return;
    this.#condition = 'dead';
    for (const generation of this.#running) {
      this.#end(generation);
      generation.sink.onDeath();
    }
    this.onDeath();
  }

  #scheduleNext(generation: Generation): void {
    if (this.#condition !== 'working') return;
    generation.cancel = this.#clock.schedule(this.#tokenIntervalMs, () => this.#step(generation));
  }

  #step(generation: Generation): void {
    const { request, completion } = generation;
    const tokenId = tokenAt(completion, generation.generated++);
    this.counts.generationTokens++;
    this.counts.iterations++;
    const finish = finishAt(request, generation.generated, tokenId);
    if (finish) {
      this.counts.finished[finish.reason]++;
      this.#end(generation);
    }
    if (finish || isDue(generation)) this.#send(generation, finish);
    if (generation.generated === this.#settings.crashAfterTokens) this.die();
    else if (generation.generated === this.#settings.hangAfterTokens) this.freeze();
    else if (!finish) this.#scheduleNext(generation);
  }

  #send(generation: Generation, finish: Finish | null): void {
    const { completion, sink, sent, generated } = generation;
    generation.sent = generated;
    sink.onTokens(
      Array.from({ length: generated - sent }, (_, index) => tokenAt(completion, sent + index)),
      finish,
    );
  }

  #end(generation: Generation): void {
    if (!this.#running.delete(generation)) return;
    generation.cancel();
    const { request, completion, generated } = generation;
    // The last token was only sampled, never computed.
    const computed = [...request.promptTokenIds, ...completion.slice(0, Math.max(0, generated - 1))];
    this.#cache.remember(computed, request.promptTokenIds.length, request.cacheSalt);
    if (this.#running.size === 0) this.onIdle();
  }
}

/** A completion that has been said is followed by ends without end. */
const tokenAt = (completion: readonly number[], index: number): number => completion[index] ?? RETURN_TOKEN_ID;

/** Whether vLLM would send what a stream has by now: the first token at once, then as many as the interval says. */
const isDue = ({ request: { stream, streamInterval }, generated, sent }: Generation): boolean =>
  stream && (sent === 0 || generated - sent >= streamInterval);

/** vLLM gives no stop reason for the tokenizer's own end, and the id for any other. */
function finishAt({ stopTokenIds, maxTokens }: GenerationRequest, generated: number, tokenId: number): Finish | null {
  if (stopTokenIds.has(tokenId)) return { reason: 'stop', stopReason: tokenId === RETURN_TOKEN_ID ? null : tokenId };
  return generated >= maxTokens ? { reason: 'length', stopReason: null } : null;
}
