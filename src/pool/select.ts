import type { ModelId } from '../domain/model.ts';
import type { Replica } from '../domain/replica.ts';
import { CodedError } from '../domain/errors.ts';

/** What a request needs of the replica that will answer it. */
export interface Need {
  readonly model: ModelId;
  readonly promptTokens: number;
  /** Tokens wanted on top of the prompt; at least 1. */
  readonly outputTokens: number;
  /** Replicas (as `replicaKey`) that already failed this request. */
  readonly exclude: ReadonlySet<string>;
  /** One of several requests of which one may end engines (`turn/verdict.ts`): no two of them on one replica. */
  readonly isSuspect: boolean;
}

/** A replica in rotation, as the choice sees it. */
export interface Candidate {
  readonly replica: Replica;
  readonly inFlight: number;
  /** One of these requests is a suspect. */
  readonly hasSuspect: boolean;
  /** It asked for a pause. */
  readonly isResting: boolean;
  /** Counts up with every lease over the whole pool: the smaller, the longer ago this replica was chosen. */
  readonly lastChosen: number;
}

/** What may still come of a model for which no replica can take the request now. */
export interface Outlook {
  readonly mayBecomeReady: boolean;
  /** Besides those in rotation another replica may come: one that starts, recovers or waits for its next start. */
  readonly othersMayCome: boolean;
  /** Until the next replica is ready, as far as earlier starts tell; null where they do not. */
  readonly leftMs: number | null;
  /** For the client: what is going on, or why this model will not be served. */
  readonly sentence: string;
}

export type Selection =
  | { readonly kind: 'go'; readonly replica: Replica }
  | { readonly kind: 'wait' }
  /** Refused with this error, unless the picture changes soon. */
  | { readonly kind: 'linger'; readonly error: CodedError }
  | { readonly kind: 'refuse'; readonly error: CodedError };

/** One start of one engine: a restarted engine is another replica. */
export const replicaKey = ({ engineId, generation }: Pick<Replica, 'engineId' | 'generation'>): string =>
  `${engineId}#${generation}`;

/**
 * Least in-flight among the eligible: of the right model, not excluded, with room for prompt and wanted output. Ties
 * go to the one that was chosen longest ago, so that lone requests take turns. Too long for every replica is a
 * refusal at once; none at all waits while `outlook` gives hope. Where every fitting one has failed this request, only
 * another one gives hope: those in rotation would fail it again. But a stream breaks a moment before the engine's end
 * is known, so such a refusal lingers. A suspect waits for a replica without another one, and
 * everybody for one that asked for a pause.
 */
export function selectReplica(candidates: readonly Candidate[], need: Need, outlook: Outlook): Selection {
  const ofModel = candidates.filter(({ replica }) => replica.model === need.model);
  const fitting = ofModel.filter(({ replica }) => need.promptTokens + need.outputTokens <= replica.maxModelLen);
  if (ofModel.length > 0 && fitting.length === 0) return { kind: 'refuse', error: tooLong(need, ofModel) };
  const untried = fitting.filter(({ replica }) => !need.exclude.has(replicaKey(replica)));
  const eligible = untried.filter(({ hasSuspect, isResting }) => !isResting && !(need.isSuspect && hasSuspect));
  const best = eligible.toSorted((a, b) => a.inFlight - b.inFlight || a.lastChosen - b.lastChosen)[0];
  if (best) return { kind: 'go', replica: best.replica };
  if (untried.length > 0) return { kind: 'wait' };
  const hope = fitting.length > 0 ? outlook.othersMayCome : outlook.mayBecomeReady;
  if (hope) return { kind: 'wait' };
  const mayLinger = fitting.length > 0 && outlook.mayBecomeReady;
  return { kind: mayLinger ? 'linger' : 'refuse', error: noReplica(need, fitting.length, outlook) };
}

function noReplica({ model }: Need, failedCount: number, { sentence }: Outlook): CodedError {
  const reason =
    failedCount > 0
      ? `Every replica of ${model} in rotation that could take the request has failed it (${failedCount}), and no other one is starting.`
      : `No replica of ${model} can take the request: ${sentence}`;
  return new CodedError('no_replica', reason);
}

function tooLong(need: Need, candidates: readonly Candidate[]): CodedError {
  const contextTokens = Math.max(...candidates.map(({ replica }) => replica.maxModelLen));
  const message =
    need.promptTokens >= contextTokens
      ? `The input has ${need.promptTokens} tokens and the context window of ${need.model} here has ${contextTokens}. Shorten the input.`
      : `The input has ${need.promptTokens} tokens and max_output_tokens asks for ${need.outputTokens} more, which is over the ` +
        `${contextTokens} tokens of the context window of ${need.model} here. Shorten the input or lower max_output_tokens ` +
        `to ${contextTokens - need.promptTokens} or less.`;
  return new CodedError('context_length_exceeded', message, { param: 'input' });
}
