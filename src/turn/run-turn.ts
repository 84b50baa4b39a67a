import { toCodedError, type CodedError } from '../domain/errors.ts';
import type { Replica } from '../domain/replica.ts';
import type { Secret } from '../domain/secret.ts';
import type { OutputRule } from '../harmony/structural-tag.ts';
import type { Vocabulary } from '../harmony/vocabulary.ts';
import type { Lease, Pool } from '../pool/pool.ts';
import type { ModelId } from '../domain/model.ts';
import { replicaKey } from '../pool/select.ts';
import type { EngineUsage } from '../protocol/generate.ts';
import type { OpenTokenStream, UpstreamFailure } from '../upstream/token-stream.ts';
import { acquireReplica } from './acquire-replica.ts';
import {
  afterFailure,
  type AttemptFailed,
  type FailedAttempt,
  type NextStep,
  type Situation,
} from './after-failure.ts';
import { runAttempt, type AttemptEnd, type Flow } from './attempt.ts';
import { contentHash } from './content-hash.ts';
import { continuationObstacle, lostEnd } from './continuation.ts';
import { withoutOldestTurns } from './drop-oldest-turns.ts';
import { cuttable, encodePrompt, type PromptSource } from './encode-prompt.ts';
import { openOutput } from './open-output.ts';
import { turnUsage, type TurnListener, type TurnUsage } from './progress.ts';
import type { PromptEncoder } from './prompt-encoder.ts';
import { engineSampling, type TurnSampling } from './sampling.ts';
import type { Suspects, Trial } from './suspects.ts';
import type { TurnOutput } from './turn-output.ts';
import type { Verdict } from './verdict.ts';

export interface TurnDeps {
  readonly vocabulary: Vocabulary;
  readonly prompts: PromptEncoder;
  readonly pool: Pool;
  readonly openTokenStream: OpenTokenStream;
  readonly suspects: Suspects;
  /** Told of every attempt that failed, with what happens next. */
  readonly onAttemptFailed: (event: AttemptFailed) => void;
}

/** One model turn: everything that the model is to know, and how it is to answer. */
export interface TurnRequest {
  readonly requestId: string;
  readonly model: ModelId;
  readonly prompt: PromptSource;
  /** Whose prefix cache it may share; null for everybody's. */
  readonly cacheSalt: string | null;
  /** Its caller's `Authorization` header, where an engine elsewhere is to have it. */
  readonly authorization: Secret | null;
  readonly sampling: TurnSampling;
  /** Cap on all generated tokens, reasoning included; null: up to the end of the context. */
  readonly maxOutputTokens: number | null;
  /** Texts that end the answer and are left out of it. */
  readonly stop: readonly string[];
  /** What must hold in the output; null for free generation. */
  readonly rule: OutputRule | null;
}

interface Ended {
  readonly usage: TurnUsage;
  /** In order; empty for nearly every turn. */
  readonly failedAttempts: readonly FailedAttempt[];
  /** Whether the last engine that was given the turn is the simulator; null where none was. */
  readonly isSimulated: boolean | null;
}

export type TurnEnd = Ended &
  (
    | { readonly kind: 'completed' | 'incomplete'; readonly replica: Replica }
    | { readonly kind: 'failed'; readonly error: CodedError }
    | { readonly kind: 'aborted' }
  );

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

const OUTCOMES = { move: 'moved', retry: 'retried', give_up: 'given_up' } as const;

/** How an attempt fails that was running in the engine: only then the engine's end can be its doing. */
const BROKE_OFF: ReadonlySet<UpstreamFailure['reason']> = new Set(['cut', 'engine_error', 'closed', 'stalled']);

/**
 * Runs a turn: context to prompt, a replica, its tokens, the messages in them. Where a replica fails, another one goes on
 * with the answer or begins it anew, as `afterFailure` says. Resolves with how it ended, after the listener's last call;
 * never rejects. `signal` means that nobody waits any more: the engine's work ends and the turn is `aborted`.
 */
export function runTurn(
  deps: TurnDeps,
  request: TurnRequest,
  listener: TurnListener,
  control: TurnControl,
): Promise<TurnEnd> {
  return new Turn(deps, request, listener, control).run();
}

/** What brought the last token. */
interface Finish {
  readonly finishReason: 'stop' | 'length';
  readonly usage: EngineUsage | null;
  readonly replica: Replica;
}

/** One turn while it runs: what is generated so far, and what went wrong. */
class Turn {
  readonly #deps: TurnDeps;
  readonly #request: TurnRequest;
  readonly #listener: TurnListener;
  readonly #control: TurnControl;
  /** The whole context as a prompt. */
  #context: readonly number[] = [];
  /** What the latest engine got of it, maybe without its oldest turns; empty, and no input, until one is asked. */
  #prompt: readonly number[] = [];
  #output: TurnOutput;
  readonly #failedAttempts: FailedAttempt[] = [];
  /** Replicas that failed, as `replicaKey`. */
  readonly #tried = new Set<string>();
  #lastFailure: UpstreamFailure | null = null;
  readonly #trial: Trial;
  #isSimulated: boolean | null = null;

  constructor(deps: TurnDeps, request: TurnRequest, listener: TurnListener, control: TurnControl) {
    this.#deps = deps;
    this.#request = request;
    this.#listener = listener;
    this.#control = control;
    this.#output = this.#newOutput();
    this.#trial = deps.suspects.trial(() => contentHash(request, this.#context));
  }

  async run(): Promise<TurnEnd> {
    try {
      this.#context = await encodePrompt(this.#deps, this.#request, this.#control.signal);
      const { finishReason, usage, replica } = await this.#generate();
      this.#output.finish();
      this.#trial.ended(true);
      return { kind: finishReason === 'stop' ? 'completed' : 'incomplete', ...this.#ended(usage), replica };
    } catch (thrown) {
      this.#trial.ended(false);
      const ended = this.#ended(null);
      return this.#control.signal.aborted
        ? { kind: 'aborted', ...ended }
        : { kind: 'failed', ...ended, error: toCodedError(thrown) };
    }
  }

  #ended(engineUsage: EngineUsage | null): Ended {
    const failedAttempts = this.#failedAttempts;
    const counts = { inputTokens: this.#prompt.length, outputTokens: this.#output.tokenIds.length };
    const wasMoved = failedAttempts.some(({ outcome }) => outcome === 'moved');
    return { usage: turnUsage(counts, wasMoved ? null : engineUsage), failedAttempts, isSimulated: this.#isSimulated };
  }

  /** Attempts until one brings the answer's end. Throws the error that the turn fails with. */
  async #generate(): Promise<Finish> {
    let verdict = this.#trial.verdict();
    if (verdict === 'guilty') throw this.#trial.refusal();
    for (;;) {
      const lease = await this.#acquire(verdict === 'apart');
      const { replica } = lease;
      this.#isSimulated = replica.simulated;
      try {
        const end = await this.#attempt(lease);
        if (end.kind === 'finished') return { ...end, replica };
        if (end.kind === 'aborted') {
          this.#trial.left(replicaKey(replica));
          throw this.#control.signal.reason;
        }
        const step = afterFailure(end.failure, this.#situation(replica));
        if (step.kind === 'finish') return { finishReason: step.finishReason, usage: null, replica };
        // Until it is known whether the engine ended, this lease keeps other suspects away from it.
        verdict = await this.#verdictAfter(end.failure, replica);
        this.#control.signal.throwIfAborted();
        const refused = verdict === 'guilty' ? ({ kind: 'give_up', error: this.#trial.refusal() } as const) : null;
        this.#goOn(refused ?? step, end.failure, replica);
      } finally {
        lease.release();
      }
    }
  }

  #acquire(isSuspect: boolean): Promise<Lease> {
    const { model, prompt, maxOutputTokens } = this.#request;
    const generated = this.#output.tokenIds.length;
    const wish = {
      model,
      promptTokens: (generated === 0 ? this.#context : this.#prompt).length + generated,
      maxOutputTokens: maxOutputTokens === null ? null : maxOutputTokens - generated,
      truncate: generated === 0 && cuttable(prompt) !== null,
      isSuspect,
    };
    const tried = { replicas: this.#tried, lastFailure: this.#lastFailure };
    return acquireReplica(this.#deps.pool, wish, tried, this.#control.signal);
  }

  #attempt(lease: Lease): Promise<AttemptEnd> {
    const { sampling, rule, requestId, cacheSalt, authorization } = this.#request;
    const output = this.#output;
    const generated = output.tokenIds;
    if (generated.length === 0) this.#prompt = this.#fittingPrompt(lease.replica);
    const maxTokens = this.#roomTokens(lease.replica) - generated.length;
    return runAttempt(
      this.#deps.openTokenStream,
      {
        lease,
        promptTokenIds: generated.length === 0 ? this.#prompt : this.#prompt.concat(generated),
        sampling: engineSampling(sampling, {
          maxTokens,
          rule,
          open: output.openText,
          streamInterval: this.#streamInterval(),
        }),
        requestId,
        cacheSalt,
        authorization,
        onTokens: (tokenIds, logprobs) => output.push(tokenIds, logprobs),
      },
      this.#control.flow,
      this.#control.signal,
    );
  }

  #fittingPrompt({ maxModelLen }: Replica): readonly number[] {
    const { prompt, maxOutputTokens } = this.#request;
    const messages = cuttable(prompt);
    if (messages === null) return this.#context;
    const answerTokens = maxOutputTokens ?? Math.min(TRUNCATED_ANSWER_TOKENS, Math.floor(maxModelLen / 4));
    return withoutOldestTurns(this.#context, messages, maxModelLen - answerTokens);
  }

  /** What may be generated behind the prompt, all attempts together. */
  #roomTokens({ maxModelLen }: Replica): number {
    return Math.min(this.#request.maxOutputTokens ?? Infinity, maxModelLen - this.#prompt.length);
  }

  /** A stop string ends the engine's work at the token that brings it: what was gathered beyond would be work for nothing. */
  #streamInterval(): number {
    return this.#listener.isLive || this.#request.stop.length > 0 ? 1 : WHOLE_STREAM_INTERVAL;
  }

  #situation(replica: Replica): Situation {
    const { sampling, rule } = this.#request;
    const { tokenIds, isHandedOn, openText } = this.#output;
    return {
      attempts: this.#failedAttempts.filter(({ cause }) => cause !== 'closed').length + 1,
      outputTokens: tokenIds.length,
      lostEnd: lostEnd(tokenIds, this.#roomTokens(replica), sampling),
      obstacle: continuationObstacle(sampling, rule, openText),
      isSeen: isHandedOn && this.#listener.isLive,
    };
  }

  async #verdictAfter({ reason }: UpstreamFailure, replica: Replica): Promise<Verdict> {
    if (!BROKE_OFF.has(reason)) return this.#trial.verdict();
    return this.#trial.brokeOff({ run: replicaKey(replica), isPlanned: reason === 'closed' }, this.#control.signal);
  }

  /** Says what went wrong and prepares the next attempt, or throws where there is none. */
  #goOn(step: Exclude<NextStep, { kind: 'finish' }>, failure: UpstreamFailure, replica: Replica): void {
    const isRefused = step.kind === 'give_up' && step.error.errorName === 'deadly_request';
    const failedAttempt: FailedAttempt = {
      engineId: replica.engineId,
      cause: failure.reason,
      status: failure.status,
      outcome: OUTCOMES[step.kind],
      outputTokens: this.#output.tokenIds.length,
      suspectHash: isRefused ? this.#trial.hash() : null,
      reason: failure.message,
    };
    this.#failedAttempts.push(failedAttempt);
    this.#deps.onAttemptFailed({ requestId: this.#request.requestId, ...failedAttempt });
    if (step.kind === 'give_up') throw step.error;
    if (step.kind === 'retry') this.#startOver();
    this.#tried.add(replicaKey(replica));
    this.#lastFailure = failure;
  }

  #startOver(): void {
    if (this.#output.isHandedOn) this.#listener.onStartOver();
    this.#output = this.#newOutput();
  }

  #newOutput(): TurnOutput {
    return openOutput(this.#deps.vocabulary, this.#listener, this.#request.stop);
  }
}
