import type { Clock } from '../domain/clock.ts';
import { CodedError } from '../domain/errors.ts';
import type { TurnEnds } from '../ledger/turn-ends.ts';
import type { ResponseObject } from '../protocol/responses.ts';
import { Flow } from '../turn/attempt.ts';
import { runTurn, type TurnDeps } from '../turn/run-turn.ts';
import { TurnWatch } from '../turn/turn-report.ts';
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
  const error =
    end.kind === 'aborted'
      ? null
      : (writer.finish(end, deps.clock.nowMs()) ?? (await keep(deps.memory, prepared, writer)));
  await deps.turnEnds.ended(watch.report(end, writer.reasoningTokens, error));
  if (error !== null) throw error;
  return end.kind === 'aborted' ? null : writer.response;
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
  if (end.kind === 'aborted') return deps.turnEnds.ended(watch.report(end, writer.reasoningTokens, null));
  const failure = writer.finish(end, deps.clock.nowMs());
  const notKept = await keep(deps.memory, prepared, writer);
  const error = failure ?? notKept;
  await deps.turnEnds.ended(watch.report(end, writer.reasoningTokens, error));
  writer.announce(error);
}

/** The watch of a turn that begins now. */
function watchTurn({ clock }: ResponsesDeps, prepared: PreparedResponse, isStream: boolean): TurnWatch {
  const { caller, response, turn } = prepared;
  return new TurnWatch(clock, { id: response.id, api: 'responses', caller, model: turn.model, isStream });
}

/** Brings the finished response to the disk. What could not be kept although it was to be is a failed response. */
async function keep(
  memory: Memory | null,
  { caller: { project }, context, newInput, rootDate }: PreparedResponse,
  writer: ResponseWriter,
): Promise<CodedError | null> {
  if (memory === null) return null;
  const { response, outputTokenIds } = writer;
  try {
    await remember(memory.store, response, { project, context, newInput, rootDate, outputTokenIds });
    return null;
  } catch (cause) {
    const message = `The response was generated but could not be stored: ${(cause as Error).message}`;
    const failed = new CodedError('store_failed', message, { cause });
    writer.fail(failed);
    return failed;
  }
}

/** The JSON answer: the response object and, as a convenience for clients without an SDK, its whole visible text. */
export function withOutputText(response: ResponseObject): ResponseObject & { output_text: string } {
  const texts = response.output.flatMap((item) =>
    item.type === 'message' && item.phase === 'final_answer' ? item.content.map(({ text }) => text) : [],
  );
  return { ...response, output_text: texts.join('') };
}
