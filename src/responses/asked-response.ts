import type { Clock } from '../domain/clock.ts';
import { CodedError } from '../domain/errors.ts';
import type { TurnEnds } from '../ledger/turn-ends.ts';
import type { ResponseObject } from '../protocol/responses.ts';
import type { UsageRow } from '../store/usage-ledger.ts';
import type { AskedTurn, EndedTurn } from '../turn/answer-turn.ts';
import type { TurnDeps } from '../turn/run-turn.ts';
import { EventStream } from './event-stream.ts';
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
 * A prepared response as a turn to answer, kept if it is to be. A failed one is kept where its stream has told its id;
 * asked for whole, its client gets the error alone, and nobody ever hears the id.
 */
export function askedResponse(
  deps: Pick<ResponsesDeps, 'memory' | 'turnEnds'>,
  prepared: PreparedResponse,
): AskedTurn<ResponseObject, ResponseWriter> {
  const { caller, turn, response, policy } = prepared;
  return {
    api: 'responses',
    caller,
    turn,
    openWriter: (write, onFirstOutput) =>
      new ResponseWriter(response, policy, write && new EventStream(write), onFirstOutput),
    conclude: (writer, ended) => conclude(deps, prepared, writer, ended),
  };
}

/**
 * Brings a finished response to the disk where it is to be kept, and its usage in any case. What could not be kept
 * although it was to be is a failed response.
 */
async function conclude(
  { memory, turnEnds }: Pick<ResponsesDeps, 'memory' | 'turnEnds'>,
  { caller, context, newInput, rootDate }: PreparedResponse,
  writer: ResponseWriter,
  { failure, isStream, report }: EndedTurn,
): Promise<CodedError | null> {
  const { response, outputTokenIds } = writer;
  const { expires_at: expiresAt } = response;
  if (memory === null || expiresAt === null || (failure !== null && !isStream)) {
    await turnEnds.ended(report(failure));
    return failure;
  }
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
