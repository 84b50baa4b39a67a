import { CodedError, toCodedError } from '../domain/errors.ts';
import { MODELS, type ModelId } from '../domain/model.ts';
import type { Replica } from '../domain/replica.ts';
import type { HarmonyMessage } from '../harmony/message.ts';
import type { OutputRule } from '../harmony/structural-tag.ts';
import type { Vocabulary } from '../harmony/vocabulary.ts';
import type { Lease, Pool } from '../pool/pool.ts';
import { replicaKey } from '../pool/select.ts';
import type { OpenTokenStream, UpstreamFailure } from '../upstream/token-stream.ts';
import { acquireReplica } from './acquire-replica.ts';
import { runAttempt, type AttemptEnd, type Flow } from './attempt.ts';
import { AttemptOutput } from './attempt-output.ts';
import { usageOf, type Progress, type TurnListener, type TurnUsage } from './progress.ts';
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
  /** Whose prefix cache it may share; null for everybody's. */
  readonly cacheSalt: string | null;
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

/**
 * Tokens a frame where nobody sees them come: what a token costs on its way is then next to nothing, and a frame comes
 * every few seconds also from an engine that writes ten tokens a second.
 */
const WHOLE_STREAM_INTERVAL = 64;

/** Room that `truncate` leaves for an answer of unlimited length. */
const TRUNCATED_ANSWER_TOKENS = 4096;

/**
 * Runs a turn: context to prompt, a replica, its tokens, the messages in them. A replica that fails before anything
 * of its output was seen is replaced by another. Resolves with how it ended, after the listener's last call;
 * never rejects. `signal` means that nobody waits any more: the engine's work ends and the turn is `aborted`.
 */
export async function runTurn(
  deps: TurnDeps,
  request: TurnRequest,
  listener: TurnListener,
  control: TurnControl,
): Promise<TurnEnd> {
  const progress: Progress = { inputTokens: 0, output: null };
  try {
    const prompt = await encodePrompt(deps, request, control.signal);
    progress.inputTokens = prompt.length;
    return await generate({ deps, request, listener, control, progress }, prompt);
  } catch (thrown) {
    const usage = usageOf(progress, null);
    return control.signal.aborted ? { kind: 'aborted', usage } : { kind: 'failed', usage, error: toCodedError(thrown) };
  }
}

interface Turn {
  readonly deps: TurnDeps;
  readonly request: TurnRequest;
  readonly listener: TurnListener;
  readonly control: TurnControl;
  readonly progress: Progress;
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

/** Attempts until one ends the turn. */
async function generate(turn: Turn, prompt: readonly number[]): Promise<TurnEnd> {
  const { deps, request, listener, progress, control } = turn;
  const replicas = new Set<string>();
  let lastFailure: UpstreamFailure | null = null;
  for (let attempts = 1; ; attempts++) {
    const wish = { ...request, promptTokens: prompt.length };
    const lease = await acquireReplica(deps.pool, wish, { replicas, lastFailure }, control.signal);
    const { replica } = lease;
    const output = new AttemptOutput(deps.vocabulary, listener, request.stop);
    progress.output = output;
    const end = await attempt(turn, prompt, lease, output);
    if (end.kind === 'aborted') return { kind: 'aborted', usage: usageOf(progress, null) };
    if (end.kind === 'finished') {
      output.finish();
      const kind = end.finishReason === 'stop' ? 'completed' : 'incomplete';
      return { kind, usage: usageOf(progress, end.usage), replica };
    }
    const next = afterFailure(end.failure, attempts, output.isHandedOn && listener.isLive);
    const reason = next.kind === 'retry' ? next.reason : next.error.message;
    const { requestId } = request;
    deps.onAttemptFailed({ requestId, engineId: replica.engineId, reason, retried: next.kind === 'retry' });
    if (next.kind === 'give_up') return { kind: 'failed', usage: usageOf(progress, null), error: next.error };
    if (output.isHandedOn) listener.onStartOver();
    replicas.add(replicaKey(replica));
    lastFailure = end.failure;
  }
}

/** One attempt on the leased replica, which is released when the attempt has ended. */
async function attempt(
  { deps, request, listener, control, progress }: Turn,
  prompt: readonly number[],
  lease: Lease,
  output: AttemptOutput,
): Promise<AttemptEnd> {
  const { maxModelLen } = lease.replica;
  const { sampling, maxOutputTokens, rule, requestId, cacheSalt } = request;
  try {
    const promptTokenIds = request.truncate
      ? withoutOldestTurns(prompt, request.messages, maxModelLen - answerRoom(maxOutputTokens, maxModelLen))
      : prompt;
    progress.inputTokens = promptTokenIds.length;
    const maxTokens = Math.min(maxOutputTokens ?? Infinity, maxModelLen - promptTokenIds.length);
    return await runAttempt(
      deps.openTokenStream,
      {
        lease,
        promptTokenIds,
        sampling: engineSampling(sampling, { maxTokens, rule, streamInterval: streamInterval(request, listener) }),
        requestId,
        cacheSalt,
        onTokens: (tokenIds, logprobs) => output.push(tokenIds, logprobs),
      },
      control.flow,
      control.signal,
    );
  } finally {
    lease.release();
  }
}

/** A stop string ends the engine's work at the token that brings it: what was gathered beyond would be work for nothing. */
const streamInterval = ({ stop }: TurnRequest, { isLive }: TurnListener): number =>
  isLive || stop.length > 0 ? 1 : WHOLE_STREAM_INTERVAL;

const answerRoom = (maxOutputTokens: number | null, contextTokens: number): number =>
  maxOutputTokens ?? Math.min(TRUNCATED_ANSWER_TOKENS, Math.floor(contextTokens / 4));
