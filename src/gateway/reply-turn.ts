import type { FastifyReply } from 'fastify';
import type { Clock } from '../domain/clock.ts';
import { Flow } from '../turn/attempt.ts';
import type { TurnControl } from '../turn/run-turn.ts';
import { SseReply } from './sse-reply.ts';

/** Answers with an event stream, which `run` writes to its end; `signal` is `clientGone` of the reply. */
export async function replyStream(
  reply: FastifyReply,
  clock: Clock,
  signal: AbortSignal,
  run: (write: (frames: string) => void, control: TurnControl) => Promise<void>,
): Promise<void> {
  reply.hijack();
  const flow = new Flow();
  const sse = new SseReply(reply.raw, { flow, clock });
  sse.open(reply.getHeaders() as Record<string, string>);
  await run(sse.write, { flow, signal });
  sse.end();
}

/**
 * Aborts when the client's connection closes before the answer is complete. Fastify's own `request.signal` aborts as
 * soon as the body of a POST has been read (fastify PR 6725), so the reply's socket is what tells.
 */
export function clientGone({ raw }: FastifyReply): AbortSignal {
  const controller = new AbortController();
  if (raw.destroyed) controller.abort(new Error('the client closed the connection'));
  raw.on('close', () => {
    if (!raw.writableFinished) controller.abort(new Error('the client closed the connection'));
  });
  return controller.signal;
}
