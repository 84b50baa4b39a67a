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
  /** A stream's first frames, before any engine is asked; nothing of an answer that is taken whole. */
  begin(): void;
  /** The turn is over; nothing of its end is announced yet. The error that the client is to get, or null. */
  finish(end: Exclude<TurnEnd, { kind: 'aborted' }>, nowMs: number): CodedError | null;
  /** A stream's last frames. */
  announce(error: CodedError | null): void;
  /** The whole answer, once the turn is over without an error. */
  answer(): Answer;
}

export type AnswerWriter<Answer> = TurnListener & Answering<Answer>;

/** A turn whose output is complete, before its client is told of the end. */
export interface EndedTurn {
  /** What the writer made of the end. */
  readonly failure: CodedError | null;
  readonly isStream: boolean;
  /** How it ended, where `error` is what the client gets. */
  readonly report: (error: CodedError | null) => TurnReport;
}

/** A request that has been checked: what to ask the model, and what becomes of its answer. */
export interface AskedTurn<Answer, Writer extends AnswerWriter<Answer> = AnswerWriter<Answer>> {
  readonly api: Api;
  readonly caller: Caller;
  readonly turn: TurnRequest;
  /** `write` takes the frames of a stream, and is null for an answer that is taken whole. */
  openWriter(write: ((frames: string) => void) | null, onFirstOutput: () => void): Writer;
  /**
   * Of an API that keeps answers, and in place of `turnEnds.ended`: brings what is to last to the disk and tells of the
   * turn's end. Resolves with the error that the client gets, or null; never rejects.
   */
  conclude?(writer: Writer, ended: EndedTurn): Promise<CodedError | null>;
}

/**
 * The whole answer to a turn, once what is to last of it is on the disk; null when `signal` aborted (the client left, and
 * nothing is kept). Throws the `CodedError` of a failed one.
 */
export async function answerWhole<Answer, Writer extends AnswerWriter<Answer>>(
  deps: AnswerDeps,
  asked: AskedTurn<Answer, Writer>,
  signal: AbortSignal,
): Promise<Answer | null> {
  const { writer, error } = await answerTurn(deps, asked, null, { flow: new Flow(), signal });
  if (error === 'aborted') return null;
  if (error !== null) throw error;
  return writer.answer();
}

/**
 * The same as a stream, whose first frames come before any engine is asked, and whose last ones tell of the end, a
 * failure too, once what is to last is on the disk. After an abort nothing more is written.
 */
export async function answerStream<Answer, Writer extends AnswerWriter<Answer>>(
  deps: AnswerDeps,
  asked: AskedTurn<Answer, Writer>,
  write: (frames: string) => void,
  control: TurnControl,
): Promise<void> {
  const { writer, error } = await answerTurn(deps, asked, write, control);
  if (error !== 'aborted') writer.announce(error);
}

/** Runs the turn to its end, which is not announced; `error` is what the client gets. */
async function answerTurn<Answer, Writer extends AnswerWriter<Answer>>(
  deps: AnswerDeps,
  asked: AskedTurn<Answer, Writer>,
  write: ((frames: string) => void) | null,
  control: TurnControl,
): Promise<{ writer: Writer; error: CodedError | null | 'aborted' }> {
  const { api, caller, turn } = asked;
  const isStream = write !== null;
  const watch = new TurnWatch(deps.clock, { id: turn.requestId, api, caller, model: turn.model, isStream });
  const writer = asked.openWriter(write, watch.onFirstOutput);
  writer.begin();
  const end = await runTurn(deps.turn, turn, writer, control);
  const report = (error: CodedError | null): TurnReport => watch.report(end, writer.reasoningTokens, error);
  if (end.kind === 'aborted') {
    // Nobody waits for it.
    void deps.turnEnds.ended(report(null));
    return { writer, error: 'aborted' };
  }
  const failure = writer.finish(end, deps.clock.nowMs());
  if (asked.conclude) return { writer, error: await asked.conclude(writer, { failure, isStream, report }) };
  await deps.turnEnds.ended(report(failure));
  return { writer, error: failure };
}
