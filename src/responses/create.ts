import type { Clock } from '../domain/clock.ts';
import { CodedError } from '../domain/errors.ts';
import type { TurnEnds } from '../ledger/turn-ends.ts';
import type { ResponseObject } from '../protocol/responses.ts';
import type { UsageRow } from '../store/usage-ledger.ts';
import { Flow } from '../turn/attempt.ts';
import { runTurn, type TurnDeps } from '../turn/run-turn.ts';
import { TurnWatch, type TurnReport } from '../turn/turn-report.ts';
import { EventStream, type WriteFrames } from './event-stream.ts';
import { remember, type Memory } from './remember.ts';
import type { PreparedResponse } from './request.ts';
import { ResponseWriter } from './response-writer.ts';

export interface ResponsesDeps {
  readonly turn: TurnDeps;
  readonly clock: Clock;
  /** Null where nothing can be kept. */
  readonly memory: Memory | null;
  /** Told of every turn once it has ended, before its client is. */
  readonly turnEnds: TurnEnds;
}

/**
 * Runs a prepared response to its end and returns the final object, kept if it is to be; null when `signal` aborted
 * (the client left, and nothing is kept). Throws the `CodedError` of a failed one, of which nothing is kept either: the
 * client gets the error alone, and nobody ever hears the id.
 */
export async function createResponse(
  deps: ResponsesDeps,
  prepared: PreparedResponse,
  signal: AbortSignal,
): Promise<ResponseObject | null> {
  const watch = watchTurn(deps, prepared, false);
  const writer = new ResponseWriter(prepared.response, prepared.policy, null, watch.onFirstOutput);
  const end = await runTurn(deps.turn, prepared.turn, writer, { flow: new Flow(), signal });
  const report = (error: CodedError | null): TurnReport => watch.report(end, writer.reasoningTokens, error);
  if (end.kind === 'aborted') {
    void deps.turnEnds.ended(report(null));
    return null;
  }
  const failure = writer.finish(end, deps.clock.nowMs());
  const error = await conclude(deps, { prepared, writer, failure, report }, failure === null);
  if (error !== null) throw error;
  return writer.response;
}

/**
 * The same as a stream: `write` gets `created` and `in_progress` at once, then what each read of the engine brought,
 * and last the terminal event, also when the turn failed; it waits until the response is on the disk, failed or not:
 * the client has its id. After an abort nothing more is written.
 */
export async function streamResponse(
  deps: ResponsesDeps,
  prepared: PreparedResponse,
  write: WriteFrames,
  control: { readonly flow: Flow; readonly signal: AbortSignal },
): Promise<void> {
  const watch = watchTurn(deps, prepared, true);
  const writer = new ResponseWriter(prepared.response, prepared.policy, new EventStream(write), watch.onFirstOutput);
  writer.begin();
  const end = await runTurn(deps.turn, prepared.turn, writer, control);
  const report = (error: CodedError | null): TurnReport => watch.report(end, writer.reasoningTokens, error);
  if (end.kind === 'aborted') return void deps.turnEnds.ended(report(null));
  const failure = writer.finish(end, deps.clock.nowMs());
  writer.announce(await conclude(deps, { prepared, writer, failure, report }, true));
}

/** The watch of a turn that begins now. */
function watchTurn({ clock }: ResponsesDeps, prepared: PreparedResponse, isStream: boolean): TurnWatch {
  const { caller, response, turn } = prepared;
  return new TurnWatch(clock, { id: response.id, api: 'responses', caller, model: turn.model, isStream });
}

/** A turn whose output is complete, and what there is to say of it. */
interface EndedTurn {
  readonly prepared: PreparedResponse;
  readonly writer: ResponseWriter;
  readonly failure: CodedError | null;
  /** As it stands now; `error` is what the client gets. */
  readonly report: (error: CodedError | null) => TurnReport;
}

/**
 * Brings the finished response to the disk where `isKept` and it is to be, and its usage in any case; returns the error
 * that the client gets. What could not be kept although it was to be is a failed response.
 */
async function conclude(
  { memory, turnEnds }: ResponsesDeps,
  { prepared, writer, failure, report }: EndedTurn,
  isKept: boolean,
): Promise<CodedError | null> {
  const { response, outputTokenIds } = writer;
  const { expires_at: expiresAt } = response;
  if (memory === null || expiresAt === null || !isKept) {
    await turnEnds.ended(report(failure));
    return failure;
  }
  const { caller, context, newInput, rootDate } = prepared;
  const record = {
    project: caller.project,
    expiresAtMs: expiresAt * 1000,
    context,
    newInput,
    rootDate,
    outputTokenIds,
  };
  try {
    const keep = (usage: UsageRow): Promise<void> => remember(memory.store, response, { ...record, usage });
    await turnEnds.endedWith(report(failure), keep);
    return failure;
  } catch (cause) {
    const message = `The response was generated but could not be stored: ${(cause as Error).message}`;
    const notKept = new CodedError('store_failed', message, { cause });
    writer.fail(notKept);
    const error = failure ?? notKept;
    await turnEnds.ended(report(error));
    return error;
  }
}

/** The JSON answer: the response object and, as a convenience for clients without an SDK, its whole visible text. */
export function withOutputText(response: ResponseObject): ResponseObject & { output_text: string } {
  const texts = response.output.flatMap((item) =>
    item.type === 'message' && item.phase === 'final_answer' ? item.content.map(({ text }) => text) : [],
  );
  return { ...response, output_text: texts.join('') };
}
