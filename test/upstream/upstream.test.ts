import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createUpstream, type Upstream } from '../../src/upstream/upstream.ts';
import type { TokenStreamRequest } from '../../src/upstream/token-stream.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { aReplica } from '../support/replicas.ts';
import { runTokenStream, type RunningTokenStream } from '../support/run-token-stream.ts';
import {
  frame,
  httpChunk,
  jsonAnswer,
  startScriptedEngine,
  STREAM_END,
  STREAM_HEAD,
  type ReceivedRequest,
  type ScriptedEngine,
} from '../support/scripted-engine.ts';

const STALL_TIMEOUT_MS = 30_000;
const SAMPLING = {
  temperature: 0.5,
  top_p: 0.9,
  top_k: 0,
  min_p: 0,
  repetition_penalty: 1,
  presence_penalty: 0,
  frequency_penalty: 0,
  seed: null,
  max_tokens: 10,
  stop_token_ids: [200002, 200012],
};

const tokens = (tokenIds: number[], finishReason: string | null = null): string =>
  frame({ choices: [{ index: 0, finish_reason: finishReason, stop_reason: null, token_ids: tokenIds }] });
const USAGE = { prompt_tokens: 2, total_tokens: 4, completion_tokens: 2, prompt_tokens_details: { cached_tokens: 0 } };
const GOOD_END = frame({ usage: USAGE, choices: [] }) + frame('[DONE]') + STREAM_END;
const BUSY = {
  error: { message: 'The engine is currently busy', type: 'Service Unavailable', param: null, code: 503 },
};
const DEAD = {
  error: { message: 'EngineCore encountered an issue.', type: 'InternalServerError', param: null, code: 500 },
};

const clock = new FakeClock();
let upstream: Upstream;
let engine: ScriptedEngine;

async function run(
  script: (socket: Socket, request: ReceivedRequest) => void,
  over: Partial<TokenStreamRequest['replica']> = {},
): Promise<RunningTokenStream> {
  engine = await startScriptedEngine(script);
  upstream = createUpstream({ clock, stallTimeoutMs: STALL_TIMEOUT_MS });
  return open(over);
}

function open(over: Partial<TokenStreamRequest['replica']> = {}): RunningTokenStream {
  const replica = aReplica({ endpoint: { socketPath: engine.socketPath }, ...over });
  const request = { replica, promptTokenIds: [1, 2], sampling: SAMPLING, requestId: 'req_1' };
  return runTokenStream(upstream.openTokenStream, request);
}

afterEach(async () => {
  await upstream.close();
  await engine.close();
  expect(clock.pendingTimers).toBe(0);
});

describe('what the engine is asked', () => {
  it('spells out every sampling value on the generate route', async () => {
    const { end } = await run((socket) => socket.write(STREAM_HEAD + tokens([5], 'stop') + GOOD_END));
    await end;
    expect(engine.requests[0]?.head).toMatch(
      /^POST \/inference\/v1\/generate HTTP\/1\.1\r\n(.*\r\n)*x-request-id: req_1/,
    );
    expect(JSON.parse(engine.requests[0]?.body ?? '')).toEqual({
      model: 'gpt-oss-20b',
      token_ids: [1, 2],
      sampling_params: { ...SAMPLING, detokenize: false },
      stream: true,
      stream_options: { include_usage: true },
    });
  });

  it('spells out every sampling value on the completions route', async () => {
    const { end } = await run((socket) => socket.write(STREAM_HEAD + tokens([5], 'stop') + GOOD_END), {
      tokenRoute: 'completions',
    });
    await end;
    expect(engine.requests[0]?.head).toMatch(/^POST \/v1\/completions HTTP\/1\.1\r\n/);
    expect(JSON.parse(engine.requests[0]?.body ?? '')).toEqual({
      model: 'gpt-oss-20b',
      prompt: [1, 2],
      ...SAMPLING,
      return_token_ids: true,
      stream: true,
      stream_options: { include_usage: true },
    });
  });
});

describe('a stream that succeeds', () => {
  it('hands the frames of one read on as one call, then the end', async () => {
    const running = await run((socket) =>
      socket.write(STREAM_HEAD + tokens([5]) + tokens([6, 7]) + tokens([200002], 'stop') + GOOD_END),
    );
    expect(await running.end).toEqual({ kind: 'finished', finishReason: 'stop', usage: USAGE });
    expect(running.reads).toEqual([[5, 6, 7, 200002]]);
  });

  it('does not mind where the reads are cut, in the middle of a character or a number', async () => {
    const text = httpChunk(`data: {"choices":[{"text":"🙂","token_ids":[123456]}]}\n\n`);
    const whole = Buffer.from(STREAM_HEAD + text + tokens([200002], 'length') + GOOD_END);
    const running = await run((socket) => void writeBytewise(socket, whole));
    expect(await running.end).toEqual({ kind: 'finished', finishReason: 'length', usage: USAGE });
    expect(running.tokenIds()).toEqual([123456, 200002]);
  });

  it('uses a connection again', async () => {
    const sockets = new Set<Socket>();
    const first = await run((socket) => {
      sockets.add(socket);
      socket.write(STREAM_HEAD + tokens([5], 'stop') + GOOD_END);
    });
    await first.end;
    await new Promise((resolve) => setImmediate(resolve));
    expect((await open().end).kind).toBe('finished');
    expect(sockets.size).toBe(1);
  });

  it('has no usage when the engine gave none', async () => {
    const { end } = await run((socket) => socket.write(STREAM_HEAD + tokens([5], 'stop') + STREAM_END));
    expect(await end).toEqual({ kind: 'finished', finishReason: 'stop', usage: null });
  });
});

describe('a stream that fails', () => {
  const fails: readonly [name: string, answer: string, reason: string, status: number | null][] = [
    [
      'an error frame, whatever follows',
      STREAM_HEAD + tokens([5]) + frame(DEAD) + frame('[DONE]') + STREAM_END,
      'engine_error',
      500,
    ],
    ['an error as its first frame', STREAM_HEAD + frame(BUSY) + frame('[DONE]') + STREAM_END, 'busy', 503],
    [
      'a refusal as its first frame',
      STREAM_HEAD + frame({ error: { message: 'too long', code: 400 } }) + frame('[DONE]') + STREAM_END,
      'rejected',
      400,
    ],
    ['finish reason abort', STREAM_HEAD + tokens([], 'abort') + GOOD_END, 'engine_error', null],
    ['a finish reason that nobody asked for', STREAM_HEAD + tokens([5], 'repetition') + GOOD_END, 'engine_error', null],
    ['[DONE] without a finish reason', STREAM_HEAD + tokens([5]) + frame('[DONE]') + STREAM_END, 'cut', null],
    ['garbage', STREAM_HEAD + frame('{"choices":[{"index":0,'), 'engine_error', null],
    ['503', jsonAnswer(503, JSON.stringify(BUSY)), 'busy', 503],
    ['500 with an empty body', jsonAnswer(500, ''), 'engine_error', 500],
    ['400', jsonAnswer(400, '{"error":{"message":"You must pass at least one prompt","code":400}}'), 'rejected', 400],
    [
      '403 of a disabled route',
      jsonAnswer(403, '{"error":{"message":"Scale-out endpoints are disabled.","code":403}}'),
      'rejected',
      403,
    ],
  ];
  it.each(fails)('is told by %s', async (_name, answer, reason, status) => {
    const { end } = await run((socket) => socket.write(answer));
    expect(await end).toMatchObject({ kind: 'failed', failure: { reason, status } });
  });

  const cuts: readonly [name: string, answer: string][] = [
    ['before the head', ''],
    ['in the head', 'HTTP/1.1 200 OK\r\n'],
    ['between frames', STREAM_HEAD + tokens([5])],
    ['within a frame', (STREAM_HEAD + tokens([5]) + tokens([6])).slice(0, -20)],
    ['after the finish reason but before the end', STREAM_HEAD + tokens([5], 'stop')],
  ];
  it.each(cuts)('is cut %s', async (_name, answer) => {
    const { end } = await run((socket) => socket.end(answer));
    expect(await end).toMatchObject({ kind: 'failed', failure: { reason: 'cut', status: null } });
  });

  it('is unreachable without a socket, and says so only after openTokenStream has returned', async () => {
    const { end, reads } = await run(() => {}, { endpoint: { socketPath: '/nowhere/s' } });
    expect(await end).toMatchObject({ kind: 'failed', failure: { reason: 'unreachable', status: null } });
    expect(reads).toEqual([]);
  });

  it('delivers the tokens that came before the failure', async () => {
    const running = await run((socket) => socket.write(STREAM_HEAD + tokens([5, 6]) + frame(DEAD)));
    await running.end;
    expect(running.reads).toEqual([[5, 6]]);
  });
});

describe('an engine that falls silent', () => {
  it('is stalled after the deadline, counted from its last byte, and its connection is closed', async () => {
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    const running = await run((socket) => {
      socket.on('close', resolve).write(STREAM_HEAD + tokens([5]));
    });
    await running.arrived(1);
    clock.advance(STALL_TIMEOUT_MS - 1);
    await Promise.resolve();
    expect(clock.pendingTimers).toBe(1);
    clock.advance(1);
    expect(await running.end).toEqual({
      kind: 'failed',
      failure: { reason: 'stalled', message: 'the engine sent nothing for 30000 ms', status: null },
    });
    await closed;
  });

  it('is stalled when it never answers at all', async () => {
    const running = await run(() => {});
    clock.advance(STALL_TIMEOUT_MS);
    expect(await running.end).toMatchObject({ failure: { reason: 'stalled' } });
  });

  it('has its whole deadline again after every byte and after every pause', async () => {
    const { promise: connected, resolve } = Promise.withResolvers<Socket>();
    const running = await run((socket) => {
      socket.write(STREAM_HEAD + tokens([5]));
      resolve(socket);
    });
    await running.arrived(1);
    clock.advance(STALL_TIMEOUT_MS - 1);
    (await connected).write(tokens([6]));
    await running.arrived(2);
    clock.advance(STALL_TIMEOUT_MS - 1);
    running.stream.pause();
    clock.advance(10 * STALL_TIMEOUT_MS);
    running.stream.resume();
    clock.advance(STALL_TIMEOUT_MS - 1);
    (await connected).write(tokens([7], 'stop') + GOOD_END);
    expect((await running.end).kind).toBe('finished');
  });
});

describe('a stream that is no longer wanted', () => {
  it('closes its connection and calls nothing any more', async () => {
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    const running = await run((socket) => {
      socket.on('close', resolve).write(STREAM_HEAD + tokens([5]));
    });
    await running.arrived(1);
    running.stream.abort();
    running.stream.abort();
    await closed;
    expect(running.reads).toEqual([[5]]);
    expect(await Promise.race([running.end, Promise.resolve('nothing')])).toBe('nothing');
  });

  it('can be aborted before it is connected', async () => {
    const running = await run((socket) => socket.write(STREAM_HEAD + tokens([5], 'stop') + GOOD_END));
    running.stream.abort();
    expect((await open().end).kind).toBe('finished');
    expect(running.reads).toEqual([]);
  });

  it('ends as cut when its engine was started again', async () => {
    const running = await run((socket) => socket.write(STREAM_HEAD + tokens([5])));
    await running.arrived(1);
    const next = open({ generation: 1 });
    await next.arrived(1);
    expect(await running.end).toMatchObject({ kind: 'failed', failure: { reason: 'cut' } });
    next.stream.abort();
  });

  it('ends as cut when its replica is closed', async () => {
    const running = await run((socket) => socket.write(STREAM_HEAD + tokens([5])));
    await running.arrived(1);
    await upstream.closeReplica('e0');
    expect(await running.end).toMatchObject({ kind: 'failed', failure: { reason: 'cut' } });
  });
});

describe('a paused stream', () => {
  it('holds the engine back once the buffers are full, and loses nothing', async () => {
    const ids = Array.from({ length: 40_000 }, (_, index) => index);
    const sockets: Socket[] = [];
    const running = await run((socket) => {
      const end = tokens([200002], 'stop') + GOOD_END;
      if (sockets.push(socket) === 1) socket.write(STREAM_HEAD + ids.map((id) => tokens([id])).join('') + end);
      else socket.write(STREAM_HEAD + end);
    });
    running.stream.pause();
    const unsent: number[] = [];
    do {
      await open().end;
      unsent.push(sockets[0]!.writableLength);
    } while (unsent.length < 5 || unsent.at(-1) !== unsent.at(-5));
    expect(unsent.at(-1)).toBeGreaterThan(0);
    expect(running.tokenIds().length).toBeLessThan(ids.length / 2);
    running.stream.resume();
    expect(await running.end).toEqual({ kind: 'finished', finishReason: 'stop', usage: USAGE });
    expect(running.tokenIds()).toEqual([...ids, 200002]);
  });
});

async function writeBytewise(socket: Socket, bytes: Buffer): Promise<void> {
  for (const byte of bytes) {
    socket.write(Buffer.of(byte));
    await new Promise((resolve) => setImmediate(resolve));
  }
}
