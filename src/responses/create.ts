import type { Clock } from '../domain/clock.ts';
import type { ResponseObject } from '../protocol/responses.ts';
import { Flow } from '../turn/attempt.ts';
import { runTurn, type TurnDeps } from '../turn/run-turn.ts';
import { EventStream, type WriteFrames } from './event-stream.ts';
import type { PreparedResponse } from './request.ts';
import { ResponseWriter } from './response-writer.ts';

export interface ResponsesDeps {
  readonly turn: TurnDeps;
  readonly clock: Clock;
}

/**
 * Runs a prepared response to its end and returns the final object; null when `signal` aborted (the client left).
 * Throws the `CodedError` of a failed one.
 */
export async function createResponse(
  deps: ResponsesDeps,
  { turn, response, policy }: PreparedResponse,
  signal: AbortSignal,
): Promise<ResponseObject | null> {
  const writer = new ResponseWriter(response, policy, null);
  const end = await runTurn(deps.turn, turn, writer, { flow: new Flow(), signal });
  if (end.kind === 'aborted') return null;
  const error = writer.end(end, deps.clock.nowMs());
  if (error !== null) throw error;
  return writer.response;
}

/**
 * The same as a stream: `write` gets `created` and `in_progress` at once, then what each read of the engine brought,
 * and last the terminal event, also when the turn failed. After an abort nothing more is written.
 */
export async function streamResponse(
  deps: ResponsesDeps,
  { turn, response, policy }: PreparedResponse,
  write: WriteFrames,
  control: { readonly flow: Flow; readonly signal: AbortSignal },
): Promise<void> {
  const writer = new ResponseWriter(response, policy, new EventStream(write));
  writer.begin();
  const end = await runTurn(deps.turn, turn, writer, control);
  if (end.kind !== 'aborted') writer.end(end, deps.clock.nowMs());
}

/** The JSON answer: the response object and, as a convenience for clients without an SDK, its whole visible text. */
export function withOutputText(response: ResponseObject): ResponseObject & { output_text: string } {
  const texts = response.output.flatMap((item) =>
    item.type === 'message' && item.phase === 'final_answer' ? item.content.map(({ text }) => text) : [],
  );
  return { ...response, output_text: texts.join('') };
}
