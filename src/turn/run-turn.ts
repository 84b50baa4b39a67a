import { CodedError, toCodedError } from '../domain/errors.ts';
import type { ModelId } from '../domain/model.ts';
import type { Replica } from '../domain/replica.ts';
import type { HarmonyMessage } from '../harmony/message.ts';
import { createParser, type ParserSink } from '../harmony/parse.ts';
import type { OutputRule } from '../harmony/structural-tag.ts';
import type { Vocabulary } from '../harmony/vocabulary.ts';
import type { Lease, Pool } from '../pool/pool.ts';
import { replicaKey } from '../pool/select.ts';
import type { EngineUsage } from '../protocol/generate.ts';
import type { OpenTokenStream } from '../upstream/token-stream.ts';
import { Flow, runAttempt } from './attempt.ts';
import { encodePrompt } from './prompt.ts';
import { afterFailure } from './retry.ts';
import { engineSampling, type TurnSampling } from './sampling.ts';

export interface TurnDeps {
  readonly vocabulary: Vocabulary;
  readonly pool: Pool;
  readonly openTokenStream: OpenTokenStream;
  /** Told of every attempt that failed, with what happens next. */
  readonly onAttemptFailed: (event: { requestId: string; engineId: string; reason: string; retried: boolean }) => void;
}

/** One model turn: everything that the model is to know, and how it is to answer. */
export interface TurnRequest {
  readonly requestId: string;
  readonly model: ModelId;
  /** The whole context, old analysis included: the turn drops what the model must not see again. */
  readonly messages: readonly HarmonyMessage[];
  readonly sampling: TurnSampling;
  /** Cap on all generated tokens, reasoning included; null: up to the end of the context. */
  readonly maxOutputTokens: number | null;
  /** What must hold in the output; null for free generation. */
  readonly rule: OutputRule | null;
}

/** Hears the model's messages as they are generated, in order, synchronously. */
export interface TurnListener extends ParserSink {
  /** What one read from the engine brought has been delivered: a good moment for one write. */
  onBatchEnd(): void;
}

export interface TurnUsage {
  readonly inputTokens: number;
  readonly cachedTokens: number;
  /** Every id generated, headers and stop token included. */
  readonly outputTokens: number;
}

export type TurnEnd =
  | { readonly kind: 'completed' | 'incomplete'; readonly usage: TurnUsage; readonly replica: Replica }
  | { readonly kind: 'failed'; readonly usage: TurnUsage; readonly error: CodedError }
  | { readonly kind: 'aborted'; readonly usage: TurnUsage };

/**
 * Runs a turn: context to prompt, a replica, its tokens, the messages in them. A replica that fails before anything
 * of its output was handed on is replaced by another. Resolves with how it ended, after the listener's last call;
 * never rejects. `signal` means that nobody waits any more: the engine's work ends and the turn is `aborted`.
 */
export async function runTurn(
  deps: TurnDeps,
  request: TurnRequest,
  listener: TurnListener,
  control: { readonly flow: Flow; readonly signal: AbortSignal },
): Promise<TurnEnd> {
  const progress = new Progress(deps.vocabulary, listener);
  try {
    const promptTokenIds = await encodePrompt(deps.vocabulary, request.messages, control.signal);
    progress.inputTokens = promptTokenIds.length;
    return await generate(deps, { ...request, promptTokenIds }, progress, control);
  } catch (thrown) {
    if (control.signal.aborted) return { kind: 'aborted', usage: progress.usage(null) };
    return { kind: 'failed', usage: progress.usage(null), error: toCodedError(thrown) };
  }
}

/** Attempts until one ends the turn. */
async function generate(
  deps: TurnDeps,
  request: TurnRequest & { readonly promptTokenIds: readonly number[] },
  progress: Progress,
  { flow, signal }: { readonly flow: Flow; readonly signal: AbortSignal },
): Promise<TurnEnd> {
  const { promptTokenIds, model, requestId, maxOutputTokens } = request;
  const exclude = new Set<string>();
  for (let attempts = 1; ; attempts++) {
    const need = { model, promptTokens: promptTokenIds.length, outputTokens: maxOutputTokens ?? 1, exclude };
    const lease = await deps.pool.acquire(need, signal);
    const { replica } = lease;
    const sampling = engineSampling(request.sampling, roomFor(request, lease), request.rule);
    const onTokens = progress.startAttempt();
    const end = await runAttempt(
      deps.openTokenStream,
      { lease, promptTokenIds, sampling, requestId, onTokens },
      flow,
      signal,
    );
    if (end.kind === 'aborted') return { kind: 'aborted', usage: progress.usage(null) };
    if (end.kind === 'finished') {
      progress.finish();
      const kind = end.finishReason === 'stop' ? 'completed' : 'incomplete';
      return { kind, usage: progress.usage(end.usage), replica };
    }
    const next = afterFailure(end.failure, attempts, progress.outputHandedOn);
    const reason = next.kind === 'retry' ? next.reason : next.error.message;
    deps.onAttemptFailed({ requestId, engineId: replica.engineId, reason, retried: next.kind === 'retry' });
    if (next.kind === 'give_up') return { kind: 'failed', usage: progress.usage(null), error: next.error };
    exclude.add(replicaKey(replica));
  }
}

const roomFor = (
  { promptTokenIds, maxOutputTokens }: { promptTokenIds: readonly number[]; maxOutputTokens: number | null },
  { replica }: Lease,
): number => Math.min(maxOutputTokens ?? Infinity, replica.maxModelLen - promptTokenIds.length);

/** What a turn has produced so far: counts, and whether anything reached the listener. */
class Progress {
  inputTokens = 0;
  outputHandedOn = false;
  #outputTokens = 0;
  #finishParser: () => void = () => {};
  readonly #vocabulary: Vocabulary;
  readonly #listener: TurnListener;

  constructor(vocabulary: Vocabulary, listener: TurnListener) {
    this.#vocabulary = vocabulary;
    this.#listener = listener;
  }

  /** A fresh parser for a fresh generation; returns where its tokens go. */
  startAttempt(): (tokenIds: readonly number[]) => void {
    const parser = createParser(this.#vocabulary);
    const listener = this.#listener;
    const sink: ParserSink = {
      onMessageStart: (header) => {
        this.outputHandedOn = true;
        listener.onMessageStart(header);
      },
      onText: (text) => listener.onText(text),
      onMessageEnd: (end) => listener.onMessageEnd(end),
    };
    this.#outputTokens = 0;
    this.#finishParser = () => {
      parser.finish(sink);
      listener.onBatchEnd();
    };
    return (tokenIds) => {
      this.#outputTokens += tokenIds.length;
      parser.push(tokenIds, sink);
      listener.onBatchEnd();
    };
  }

  /** The generation is over: what the parser still holds is delivered. */
  finish(): void {
    this.#finishParser();
  }

  /** The engine's own counts where it gave them, ours otherwise: they are the same. */
  usage(engine: EngineUsage | null): TurnUsage {
    return {
      inputTokens: engine?.prompt_tokens ?? this.inputTokens,
      cachedTokens: engine?.prompt_tokens_details?.cached_tokens ?? 0,
      outputTokens: engine?.completion_tokens ?? this.#outputTokens,
    };
  }
}
