import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { runTokenStream } from '../support/run-token-stream.ts';
import { frame, httpChunk, jsonAnswer, STREAM_END, STREAM_HEAD, writeBytewise } from '../support/scripted-engine.ts';
import { GOOD_END, SAMPLING, scriptedStreams, tokens, USAGE } from '../support/scripted-streams.ts';

const { run, open, engine, upstream, request } = scriptedStreams();
const BUSY = {
  error: { message: 'The engine is currently busy', type: 'Service Unavailable', param: null, code: 503 },
};
const DEAD = {
  error: { message: 'EngineCore encountered an issue.', type: 'InternalServerError', param: null, code: 500 },
};

const STREAM_HEAD_UNTIL_CLOSE = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n';

/** Priority is a field of the request, not of its sampling. */
const { priority: _priority, ...SAMPLED } = SAMPLING;

describe('what the engine is asked', () => {
  it('spells out every sampling value on the generate route', async () => {
    const { end } = await run((socket) => socket.write(STREAM_HEAD + tokens([5], 'stop') + GOOD_END));
    await end;
    expect(engine().requests[0]?.head).toMatch(
      /^POST \/inference\/v1\/generate HTTP\/1\.1\r\n(.*\r\n)*x-request-id: req_1/,
    );
    expect(JSON.parse(engine().requests[0]?.body ?? '')).toEqual({
      model: 'gpt-oss-20b',
      priority: 0,
      token_ids: [1, 2],
      sampling_params: { ...SAMPLED, detokenize: false },
      stream: true,
      stream_options: { include_usage: true },
      cache_salt: 'project',
    });
  });

  it('spells out every sampling value on the completions route', async () => {
    const { end } = await run((socket) => socket.write(STREAM_HEAD + tokens([5], 'stop') + GOOD_END), {
      tokenRoute: 'completions',
    });
    await end;
    expect(engine().requests[0]?.head).toMatch(/^POST \/v1\/completions HTTP\/1\.1\r\n/);
    expect(JSON.parse(engine().requests[0]?.body ?? '')).toEqual({
      model: 'gpt-oss-20b',
      prompt: [1, 2],
      ...SAMPLING,
      return_token_ids: true,
      stream: true,
      stream_options: { include_usage: true },
      cache_salt: 'project',
    });
  });
});

describe('what no header and no length can hold', () => {
  it('is counted in bytes, and ends no header line', async () => {
    const answer = STREAM_HEAD + tokens([5], 'stop') + GOOD_END;
    await run((socket) => socket.write(answer)).then(({ end }) => end);
    const odd = { ...request(), cacheSalt: 'größe 🙂', requestId: 'a\r\nb: c\u00e9' };
    expect((await runTokenStream(upstream().openTokenStream, odd).end).kind).toBe('finished');
    const { head = '', body = '' } = engine().requests[1] ?? {};
    expect(JSON.parse(body)).toMatchObject({ cache_salt: 'größe 🙂' });
    expect(head).toMatch(/\r\nx-request-id: a\?\?b: c\?\r\n/);
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

  it('gives the same ids wherever the response is cut in two', async () => {
    const whole = Buffer.from(
      STREAM_HEAD + [7, 201087, 30].map(plainToken).join('') + tokens([200002], 'stop') + GOOD_END,
    );
    let cut = 1;
    await run((socket) => void writeInTwo(socket, whole, cut)).then(({ end }) => end);
    for (cut = 2; cut < whole.length; cut++) {
      const running = open();
      expect(await running.end, `cut at ${cut}`).toEqual({ kind: 'finished', finishReason: 'stop', usage: USAGE });
      expect(running.tokenIds(), `cut at ${cut}`).toEqual([7, 201087, 30, 200002]);
    }
  });

  it('takes frames of one token together with frames of another kind, in their order', async () => {
    const frames = [plainToken(1), plainToken(2), tokens([3, 4]), plainToken(5), tokens([6], 'stop')].join('');
    const running = await run((socket) => socket.write(STREAM_HEAD + frames + GOOD_END));
    expect(await running.end).toEqual({ kind: 'finished', finishReason: 'stop', usage: USAGE });
    expect(running.reads).toEqual([[1, 2, 3, 4, 5, 6]]);
  });

  it('is sent once more when its kept connection turns out to be closed', async () => {
    const answers = [STREAM_HEAD + tokens([5], 'stop') + GOOD_END, '', STREAM_HEAD + tokens([6], 'stop') + GOOD_END];
    await run((socket) => {
      const answer = answers.shift();
      if (answer) socket.write(answer);
      else socket.destroy();
    }).then(({ end }) => end);
    const running = open();
    expect((await running.end).kind).toBe('finished');
    expect(running.tokenIds()).toEqual([6]);
    expect(engine().requests).toHaveLength(3);
  });

  it('uses a connection again', async () => {
    const sockets = new Set<Socket>();
    const first = await run((socket) => {
      sockets.add(socket);
      socket.write(STREAM_HEAD + tokens([5], 'stop') + GOOD_END);
    });
    await first.end;
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
    ['something that is no HTTP', 'hello', 'cut', null],
    ['a head that is too long', `HTTP/1.1 200 OK\r\nx: ${'x'.repeat(20_000)}`, 'cut', null],
    ['a chunk that is none', `${STREAM_HEAD}data: {}`, 'cut', null],
    ['garbage', STREAM_HEAD + frame('{"choices":[{"index":0,'), 'engine_error', null],
    ['a frame of another shape', STREAM_HEAD + frame({ choices: [{ index: 0, token_ids: 5 }] }), 'engine_error', null],
    [
      'lines that are one event',
      STREAM_HEAD + plainToken(5) + httpChunk('data: {"choices":[]}\n') + plainToken(6),
      'engine_error',
      null,
    ],
    ['503', jsonAnswer(503, JSON.stringify(BUSY)), 'busy', 503],
    ['500 with an empty body', jsonAnswer(500, ''), 'unavailable', 500],
    ['400', jsonAnswer(400, '{"error":{"message":"You must pass at least one prompt","code":400}}'), 'rejected', 400],
    [
      '403 of a disabled route',
      jsonAnswer(403, '{"error":{"message":"Scale-out endpoints are disabled.","code":403}}'),
      'unavailable',
      403,
    ],
  ];
  it.each(fails)('is told by %s', async (_name, answer, reason, status) => {
    const { end } = await run((socket) => socket.write(answer));
    expect(await end).toMatchObject({ kind: 'failed', failure: { reason, status } });
  });

  it('tells the reason of an error that comes in pieces', async () => {
    const { end } = await run(
      (socket) => void writeBytewise(socket, Buffer.from(jsonAnswer(503, JSON.stringify(BUSY)))),
    );
    expect(await end).toMatchObject({ failure: { reason: 'busy', message: BUSY.error.message } });
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

  it.each([
    ['a frame', STREAM_HEAD_UNTIL_CLOSE + 'data: ', 'engine_error', 'the engine sent a frame without end'],
    ['an error', 'HTTP/1.1 500 Oops\r\n\r\nboom ', 'unavailable', /^boom x+$/],
  ])('is broken off when %s has no end', async (_name, begin, reason, message) => {
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    const { end } = await run((socket) => {
      socket.on('close', resolve).write(begin);
      const piece = 'x'.repeat(1_000_000);
      const goOn = (): void => {
        while (!socket.destroyed && socket.write(piece));
      };
      socket.on('drain', goOn);
      goOn();
    });
    const failure = { reason, message: typeof message === 'string' ? message : expect.stringMatching(message) };
    expect(await end).toMatchObject({ kind: 'failed', failure });
    await closed;
  });

  it('is broken off when it brings more than the engine was asked for', async () => {
    const three = STREAM_HEAD + tokens([5, 6]) + tokens([7], 'stop') + GOOD_END;
    expect((await (await run((socket) => socket.write(three))).end).kind).toBe('finished');
    const few = { ...request(), sampling: { ...SAMPLING, max_tokens: 2 } };
    expect(await runTokenStream(upstream().openTokenStream, few).end).toMatchObject({
      failure: { reason: 'engine_error', message: 'the engine sent more tokens than it was asked for' },
    });
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

/** A frame as vLLM spells a token that comes alone. */
const plainToken = (tokenId: number): string => {
  const nothing = { routed_experts: null, sampling_mask: null, weight_versions: null, logprobs: null };
  const choice = { index: 0, finish_reason: null, stop_reason: null, token_ids: [tokenId], ...nothing };
  return frame({ request_id: 'generate-tokens-r', usage: null, output_mode: 'tokens', choices: [choice] });
};

/** So that the reader finds the first part alone: it reads between the two. */
async function writeInTwo(socket: Socket, bytes: Buffer, cut: number): Promise<void> {
  socket.write(bytes.subarray(0, cut));
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
  socket.write(bytes.subarray(cut));
}
