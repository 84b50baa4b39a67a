import { CodedError, toCodedError } from '../domain/errors.ts';
import { MODELS, type ModelId } from '../domain/model.ts';
import type { Replica } from '../domain/replica.ts';
import type { HarmonyMessage } from '../harmony/message.ts';
import type { OutputRule } from '../harmony/structural-tag.ts';
import type { Vocabulary } from '../harmony/vocabulary.ts';
import type { Lease, Pool } from '../pool/pool.ts';
import { replicaKey } from '../pool/select.ts';
import type { OpenTokenStream } from '../upstream/token-stream.ts';
import { runAttempt, type AttemptEnd, type Flow } from './attempt.ts';
import { Progress, type TurnListener, type TurnUsage } from './progress.ts';
import { withoutOldestTurns } from './drop-oldest-turns.ts';
import type { PromptEncoder } from './prompt-encoder.ts';
import { afterFailure } from './retry.ts';
import { engineSampling, type TurnSampling } from './sampling.ts';

export interface TurnDeps {
  readonly vocabulary: Vocabulary;
  readonly prompts: PromptEncoder;
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
  /** Leave out the oldest turns of a context that is too long, instead of refusing it. */
  readonly truncate: boolean;
  readonly sampling: TurnSampling;
  /** Cap on all generated tokens, reasoning included; null: up to the end of the context. */
  readonly maxOutputTokens: number | null;
  /** Texts that end the answer and are left out of it. */
  readonly stop: readonly string[];
  /** What must hold in the output; null for free generation. */
  readonly rule: OutputRule | null;
}

export type TurnEnd =
  | { readonly kind: 'completed' | 'incomplete'; readonly usage: TurnUsage; readonly replica: Replica }
  | { readonly kind: 'failed'; readonly usage: TurnUsage; readonly error: CodedError }
  | { readonly kind: 'aborted'; readonly usage: TurnUsage };

/** The client's side of a turn: its pace, and whether it is still there. */
export interface TurnControl {
  readonly flow: Flow;
  readonly signal: AbortSignal;
}

/** Room that `truncate` leaves for an answer of unlimited length. */
const TRUNCATED_ANSWER_TOKENS = 4096;

/**
 * Runs a turn: context to prompt, a replica, its tokens, the messages in them. A replica that fails before anything
 * of its output was handed on is replaced by another. Resolves with how it ended, after the listener's last call;
 * never rejects. `signal` means that nobody waits any more: the engine's work ends and the turn is `aborted`.
 */
export async function runTurn(
  deps: TurnDeps,
  request: TurnRequest,
  listener: TurnListener,
  control: TurnControl,
): Promise<TurnEnd> {
  const progress = new Progress(deps.vocabulary, listener, request.stop);
  try {
    const prompt = await encodePrompt(deps, request, control.signal);
    progress.inputTokens = prompt.length;
    return await generate(deps, { request, prompt }, progress, control);
  } catch (thrown) {
    if (control.signal.aborted) return { kind: 'aborted', usage: progress.usage(null) };
    return { kind: 'failed', usage: progress.usage(null), error: toCodedError(thrown) };
  }
}

/** What is longer than the model's longest context is not encoded to its end, unless its oldest turns may go. */
async function encodePrompt(
  { prompts, pool }: TurnDeps,
  { messages, model, truncate }: TurnRequest,
  signal: AbortSignal,
): Promise<readonly number[]> {
  const { maxContextTokens } = MODELS[model];
  const maxTokens = truncate ? Infinity : maxContextTokens;
  const prompt = await prompts.encode(messages, { maxTokens, signal });
  if (prompt !== null) return prompt;
  const contextTokens = pool.anyReady(model)?.maxModelLen ?? maxContextTokens;
  const message =
    `The input has more than ${maxTokens} tokens and the context window of ${model} here has ${contextTokens}. ` +
    'Shorten the input.';
  throw new CodedError('context_length_exceeded', message, { param: 'input' });
}

interface Prompted {
  readonly request: TurnRequest;
  readonly prompt: readonly number[];
}

/** Attempts until one ends the turn. */
async function generate(
  deps: TurnDeps,
  prompted: Prompted,
  progress: Progress,
  control: TurnControl,
): Promise<TurnEnd> {
  const exclude = new Set<string>();
  for (let attempts = 1; ; attempts++) {
    const lease = await acquire(deps.pool, prompted, exclude, control.signal);
    const { replica } = lease;
    const end = await attempt(deps, prompted, { lease, progress, control });
    if (end.kind === 'aborted') return { kind: 'aborted', usage: progress.usage(null) };
    if (end.kind === 'finished') {
      progress.finish();
      const kind = end.finishReason === 'stop' ? 'completed' : 'incomplete';
      return { kind, usage: progress.usage(end.usage), replica };
    }
    const next = afterFailure(end.failure, attempts, progress.outputHandedOn);
    const reason = next.kind === 'retry' ? next.reason : next.error.message;
    const { requestId } = prompted.request;
    deps.onAttemptFailed({ requestId, engineId: replica.engineId, reason, retried: next.kind === 'retry' });
    if (next.kind === 'give_up') return { kind: 'failed', usage: progress.usage(null), error: next.error };
    exclude.add(replicaKey(replica));
  }
}

/** A replica that can hold prompt and answer; one of any size where the prompt may be cut to fit it. */
function acquire(
  pool: Pool,
  { request, prompt }: Prompted,
  exclude: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<Lease> {
  const { model, maxOutputTokens, truncate } = request;
  const outputTokens = maxOutputTokens ?? 1;
  return pool.acquire({ model, promptTokens: truncate ? 1 : prompt.length, outputTokens, exclude }, signal);
}

async function attempt(
  { openTokenStream }: TurnDeps,
  { request, prompt }: Prompted,
  { lease, progress, control }: { lease: Lease; progress: Progress; control: TurnControl },
): Promise<AttemptEnd> {
  const { maxModelLen } = lease.replica;
  const { sampling, maxOutputTokens, rule, requestId } = request;
  try {
    const promptTokenIds = request.truncate
      ? withoutOldestTurns(prompt, request.messages, maxModelLen - answerRoom(maxOutputTokens, maxModelLen))
      : prompt;
    progress.inputTokens = promptTokenIds.length;
    const maxTokens = Math.min(maxOutputTokens ?? Infinity, maxModelLen - promptTokenIds.length);
    const engine = engineSampling(sampling, maxTokens, rule);
    const onTokens = progress.startAttempt();
    return await runAttempt(
      openTokenStream,
      { lease, promptTokenIds, sampling: engine, requestId, onTokens },
      control.flow,
      control.signal,
    );
  } finally {
    lease.release();
  }
}

const answerRoom = (maxOutputTokens: number | null, contextTokens: number): number =>
  maxOutputTokens ?? Math.min(TRUNCATED_ANSWER_TOKENS, Math.floor(contextTokens / 4));
