import type { Caller } from '../domain/caller.ts';
import type { Clock } from '../domain/clock.ts';
import type { CodedError } from '../domain/errors.ts';
import { Flow } from './attempt.ts';
import type { TurnListener } from './progress.ts';
import { runTurn, type TurnControl, type TurnDeps, type TurnEnd, type TurnRequest } from './run-turn.ts';
import { TurnWatch, type Api, type TurnReport } from './turn-report.ts';

export interface AnswerDeps {
  readonly turn: TurnDeps;
  readonly clock: Clock;
  /** Told of every turn once it has ended, before its client is. */
  readonly turnEnds: { ended(report: TurnReport): Promise<void> };
}

/** What an API makes of what it hears: an object, or the frames of a stream. */
export interface Answering<Answer> {
  /** Of the messages that are complete. */
  readonly reasoningTokens: number;
  /** A stream's first frames, before any engine is asked. */
  begin(): void;
  /** The turn is over; nothing of its end is announced yet. The error that the client is to get, or null. */
  finish(end: Exclude<TurnEnd, { kind: 'aborted' }>): CodedError | null;
  /** A stream's last frames. */
  announce(error: CodedError | null): void;
  /** The whole answer, once the turn is over without an error. */
  answer(): Answer;
}

export type AnswerWriter<Answer> = TurnListener & Answering<Answer>;

/** A request of an API that keeps nothing, checked. */
export interface AskedTurn<Answer> {
  readonly api: Api;
  readonly caller: Caller;
  readonly turn: TurnRequest;
  /** `write` takes the frames of a stream, and is null for an answer that is taken whole. */
  readonly openWriter: (write: ((frames: string) => void) | null, onFirstOutput: () => void) => AnswerWriter<Answer>;
}

/** The whole answer to a turn; null when `signal` aborted. Throws the `CodedError` of a failed one. */
export async function answerWhole<Answer>(
  deps: AnswerDeps,
  asked: AskedTurn<Answer>,
  signal: AbortSignal,
): Promise<Answer | null> {
  const watch = watchTurn(deps, asked, false);
  const writer = asked.openWriter(null, watch.onFirstOutput);
  const end = await runTurn(deps.turn, asked.turn, writer, { flow: new Flow(), signal });
  const error = end.kind === 'aborted' ? null : writer.finish(end);
  await deps.turnEnds.ended(watch.report(end, writer.reasoningTokens, error));
  if (error !== null) throw error;
  return end.kind === 'aborted' ? null : writer.answer();
}

/** The same as a stream, which tells of a failure itself. After an abort nothing more is written. */
export async function answerStream(
  deps: AnswerDeps,
  asked: AskedTurn<unknown>,
  write: (frames: string) => void,
  control: TurnControl,
): Promise<void> {
  const watch = watchTurn(deps, asked, true);
  const writer = asked.openWriter(write, watch.onFirstOutput);
  writer.begin();
  const end = await runTurn(deps.turn, asked.turn, writer, control);
  const error = end.kind === 'aborted' ? null : writer.finish(end);
  await deps.turnEnds.ended(watch.report(end, writer.reasoningTokens, error));
  if (end.kind !== 'aborted') writer.announce(error);
}

const watchTurn = ({ clock }: AnswerDeps, { api, caller, turn }: AskedTurn<unknown>, isStream: boolean): TurnWatch =>
  new TurnWatch(clock, { id: turn.requestId, api, caller, model: turn.model, isStream });
