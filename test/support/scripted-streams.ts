import type { Socket } from 'node:net';
import { afterEach, expect } from 'vitest';
import type { Replica } from '../../src/domain/replica.ts';
import { createUpstream, type Upstream } from '../../src/upstream/upstream.ts';
import type { TokenStreamRequest } from '../../src/upstream/token-stream.ts';
import { FakeClock } from './fake-clock.ts';
import { aReplica } from './replicas.ts';
import { runTokenStream, type RunningTokenStream } from './run-token-stream.ts';
import {
  frame,
  startScriptedEngine,
  STREAM_END,
  type ReceivedRequest,
  type ScriptedEngine,
} from './scripted-engine.ts';

export const STALL_TIMEOUT_MS = 30_000;

export const SAMPLING = {
  temperature: 0.5,
  top_p: 0.9,
  top_k: 0,
  min_p: 0,
  repetition_penalty: 1,
  presence_penalty: 0,
  frequency_penalty: 0,
  seed: null,
  priority: 0,
  max_tokens: 100_000,
  stop_token_ids: [200002, 200012],
};

/** A frame that brings ids. */
export const tokens = (tokenIds: number[], finishReason: string | null = null): string =>
  frame({ choices: [{ index: 0, finish_reason: finishReason, stop_reason: null, token_ids: tokenIds }] });

export const USAGE = {
  prompt_tokens: 2,
  total_tokens: 4,
  completion_tokens: 2,
  prompt_tokens_details: { cached_tokens: 0 },
};

/** All that follows the frame with the finish reason. */
export const GOOD_END = frame({ usage: USAGE, choices: [] }) + frame('[DONE]') + STREAM_END;

export interface ScriptedStreams {
  readonly clock: FakeClock;
  /** Engines whose work is watched, by their ids. */
  readonly watched: Set<string>;
  /** Starts a scripted engine and opens a stream to it. */
  readonly run: (
    script: (socket: Socket, request: ReceivedRequest) => void,
    facts?: Partial<Replica>,
  ) => Promise<RunningTokenStream>;
  /** Another stream to the same engine. */
  readonly open: (facts?: Partial<Replica>) => RunningTokenStream;
  /** What `open` asks for. */
  readonly request: (facts?: Partial<Replica>) => TokenStreamRequest;
  readonly engine: () => ScriptedEngine;
  readonly upstream: () => Upstream;
}

/** One engine and one upstream a test, closed after it; fails a test that leaves a timer behind. */
export function scriptedStreams(): ScriptedStreams {
  const clock = new FakeClock();
  const watched = new Set<string>();
  let upstream: Upstream;
  let engine: ScriptedEngine;
  const request = (facts: Partial<Replica> = {}): TokenStreamRequest => {
    const replica = aReplica({ endpoint: { socketPath: engine.socketPath }, ...facts });
    return { replica, promptTokenIds: [1, 2], sampling: SAMPLING, requestId: 'req_1', cacheSalt: 'project' };
  };
  const open = (facts?: Partial<Replica>): RunningTokenStream =>
    runTokenStream(upstream.openTokenStream, request(facts));
  afterEach(async () => {
    await upstream.close();
    await engine.close();
    expect(clock.pendingTimers).toBe(0);
  });
  return {
    clock,
    watched,
    async run(script, facts) {
      engine = await startScriptedEngine(script);
      upstream = createUpstream({ clock, stallTimeoutMs: STALL_TIMEOUT_MS, isWatched: (id) => watched.has(id) });
      return open(facts);
    },
    open,
    request,
    engine: () => engine,
    upstream: () => upstream,
  };
}
