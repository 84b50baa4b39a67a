import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { TokenStreamEnd } from '../../src/upstream/token-stream.ts';
import { STREAM_HEAD, writeBytewise } from '../support/scripted-engine.ts';
import { GOOD_END, scriptedStreams, STALL_TIMEOUT_MS, tokens, USAGE } from '../support/scripted-streams.ts';

const { clock, watched, run, open, upstream, request } = scriptedStreams();

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

  it('may be silent for as long as its work is watched, and has its whole deadline after that', async () => {
    const { promise: connected, resolve } = Promise.withResolvers<Socket>();
    const running = await run(resolve);
    const { engineId } = request().replica;
    watched.add(engineId);
    await connected;
    for (let passed = 0; passed < 5; passed++) clock.advance(STALL_TIMEOUT_MS);
    watched.delete(engineId);
    clock.advance(STALL_TIMEOUT_MS - 1);
    expect(clock.pendingTimers).toBe(1);
    clock.advance(1);
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

  it('can be aborted by whoever takes its tokens, and then has no end', async () => {
    const sockets: Socket[] = [];
    await run((socket) => {
      sockets.push(socket);
      socket.write(STREAM_HEAD + tokens([5]) + tokens([6], 'stop') + GOOD_END);
    }).then(({ end }) => end);
    const calls: unknown[] = [];
    const { promise: called, resolve } = Promise.withResolvers<void>();
    const stream = upstream().openTokenStream(request(), {
      onTokens(tokenIds) {
        calls.push(tokenIds);
        stream.abort();
        resolve();
      },
      onEnd: (end) => void calls.push(end),
    });
    await called;
    expect((await open().end).kind).toBe('finished');
    expect(calls).toEqual([[5, 6]]);
    expect(new Set(sockets).size).toBe(1);
  });

  it('can be paused and taken up again by whoever takes its tokens', async () => {
    const whole = STREAM_HEAD + [5, 6, 7].map((id) => tokens([id])).join('') + tokens([200002], 'stop') + GOOD_END;
    await run((socket) => void writeBytewise(socket, Buffer.from(whole))).then(({ end }) => end);
    const seen: number[] = [];
    const { promise: ended, resolve } = Promise.withResolvers<TokenStreamEnd>();
    const stream = upstream().openTokenStream(request(), {
      onTokens(tokenIds) {
        seen.push(...tokenIds);
        stream.pause();
        setImmediate(() => stream.resume());
      },
      onEnd: resolve,
    });
    expect((await ended).kind).toBe('finished');
    expect(seen).toEqual([5, 6, 7, 200002]);
  });

  it('ends as cut when its engine was started again', async () => {
    const running = await run((socket) => socket.write(STREAM_HEAD + tokens([5])));
    await running.arrived(1);
    const next = open({ generation: 1 });
    await next.arrived(1);
    expect(await running.end).toMatchObject({ kind: 'failed', failure: { reason: 'cut' } });
    next.stream.abort();
  });

  it('ends as cut when its replica is closed while a kept connection is silent', async () => {
    const answers = [STREAM_HEAD + tokens([5], 'stop') + GOOD_END];
    const first = await run((socket) => void socket.write(answers.shift() ?? ''));
    await first.end;
    const waiting = open();
    await upstream().closeReplica('e0');
    expect(await waiting.end).toMatchObject({ kind: 'failed', failure: { reason: 'cut' } });
  });

  it('ends as cut when its replica is closed', async () => {
    const running = await run((socket) => socket.write(STREAM_HEAD + tokens([5])));
    await running.arrived(1);
    await upstream().closeReplica('e0');
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
    const arrived: number[] = [];
    do {
      await open().end;
      arrived.push(running.tokenIds().length);
    } while (arrived.length < 5 || arrived.at(-1) !== arrived.at(-5));
    expect(sockets[0]!.writableLength).toBeGreaterThan(0);
    expect(running.tokenIds().length).toBeLessThan(ids.length / 2);
    running.stream.resume();
    expect(await running.end).toEqual({ kind: 'finished', finishReason: 'stop', usage: USAGE });
    expect(running.tokenIds()).toEqual([...ids, 200002]);
  });
});
