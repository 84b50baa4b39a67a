import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sleep } from '../../src/domain/clock.ts';
import { createVocabulary, type Vocabulary } from '../../src/harmony/vocabulary.ts';
import { systemClock } from '../../src/system/clock.ts';
import { readVocabulary } from '../../src/system/vocabulary.ts';
import { LEAD_TOKENS, type Answer } from './answer.ts';
import { COUNTER, type Address, type LoadJob, type LoadReply, type LoadRequest } from './requests.ts';
import type { GatewayState } from './gateway.ts';
import { findNginx, startNginx } from './nginx.ts';
import { startGateway, startLoad, startUpstream, type Program } from './program.ts';
import type { UpstreamReply, UpstreamRequest } from './upstream.ts';
import { cpuMs, machineCpuMs } from './usage.ts';

/**
 * What the clients talk to: the stand-in engine itself, nginx before it, or Chorus before it; `unstored` is Chorus asked
 * with `store: false`.
 */
export interface Target {
  readonly name: 'direct' | 'nginx' | 'chorus' | 'unstored';
  /** Null: nothing stands between. */
  readonly pid: number | null;
  readonly address: Address;
  stop(): Promise<void>;
}

/** The gateway, which can tell how late its event loop is. */
export interface ChorusTarget extends Target {
  readonly address: { readonly port: number };
  /** Since it was last asked. */
  loopDelayMs(): Promise<GatewayState['loopDelayMs']>;
}

/** What the clients do and how the engine answers. */
export interface Scenario {
  readonly answer: Answer;
  readonly stream: boolean;
  readonly connections: number;
  readonly rampMs: number;
  /** Between two tokens of a stream; 0: as fast as possible. */
  readonly intervalMs: number;
  /** Before its next question a client waits for up to so long; absent: it asks at once. */
  readonly maxPauseMs?: number;
}

/** What one window of a scenario cost and brought. */
export interface Sample {
  readonly seconds: number;
  /** Tokens that the engine sent. */
  readonly tokens: number;
  readonly answers: number;
  /** What the clients read. */
  readonly bytes: number;
  /** Streams that show text and have not ended. */
  readonly open: number;
  readonly firstTextMs: readonly number[];
  readonly targetCpuMs: number;
  readonly harnessCpuMs: number;
  /** What other processes of the machine used meanwhile. */
  readonly foreignCpuMs: number;
}

const REPLICAS = 2;
const SETTLE_MS = 500;
const DRAIN_DEADLINE_MS = 10_000;
const DRAIN_POLL_MS = 50;
const PATHS = { tokens: '/inference/v1/generate', responses: '/v1/responses' };

/** About as long as a short chat, and never the same twice. */
const QUESTION = `${COUNTER} times: ${'Tell me how a gateway hands on the tokens of a language model. '.repeat(12)}`;

/** The engine's stand-in, the clients, and the files they need; targets are started on top of it. */
export class Rig {
  readonly vocabulary: Vocabulary = createVocabulary(readVocabulary());
  /** Where nginx is; null: not installed. */
  readonly nginxFile: string | null = findNginx();
  /** Everything that went wrong in any window. */
  readonly problems: string[] = [];
  readonly #stopped: AbortSignal;
  readonly #directory: string;
  readonly #socketPaths: readonly string[];
  readonly #upstream: Program<UpstreamRequest, UpstreamReply>;
  readonly #load: Program<LoadRequest, LoadReply>;

  private constructor(stopped: AbortSignal, directory: string, socketPaths: readonly string[], programs: Programs) {
    this.#stopped = stopped;
    this.#directory = directory;
    this.#socketPaths = socketPaths;
    this.#upstream = programs.upstream;
    this.#load = programs.load;
  }

  /** `stopped` breaks off a measurement, which then throws; everything still has to be stopped. */
  static async start(stopped: AbortSignal): Promise<Rig> {
    const directory = mkdtempSync(join(tmpdir(), 'chorus-bench-'));
    const socketPaths = Array.from({ length: REPLICAS }, (_, index) => join(directory, `e${index}`));
    const programs = { upstream: await startUpstream({ socketPaths }), load: await startLoad() };
    return new Rig(stopped, directory, socketPaths, programs);
  }

  async stop(): Promise<void> {
    await Promise.all([this.#upstream.stop(), this.#load.stop()]);
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** No target at all: what the harness itself can do. */
  direct(): Target {
    return { name: 'direct', pid: null, address: { socketPath: this.#socketPaths[0] ?? '' }, stop: async () => {} };
  }

  async startChorus(core: 'measured' | 'both' = 'measured'): Promise<ChorusTarget> {
    const directory = mkdtempSync(join(this.#directory, 'store-'));
    const gateway = await startGateway({ socketPaths: this.#socketPaths, directory }, core);
    const { port } = await gateway.ask({ ask: 'state' });
    return {
      name: 'chorus',
      pid: gateway.pid,
      address: { port },
      loopDelayMs: async () => (await gateway.ask({ ask: 'state' })).loopDelayMs,
      stop: () => gateway.stop(),
    };
  }

  /** Null where nginx is not installed. */
  async startNginx(): Promise<Target | null> {
    if (this.nginxFile === null) return null;
    const nginx = await startNginx(this.nginxFile, this.#directory, this.#socketPaths);
    const { pid, port } = nginx;
    return { name: 'nginx', pid, address: { port }, stop: () => nginx.stop() };
  }

  /** Streams of the engine that begin from now on are `answer`. */
  async answerWith({ tokenIds }: Answer, intervalMs: number): Promise<void> {
    await this.#upstream.ask({ workload: { tokenIds, leadTokens: LEAD_TOKENS, intervalMs } });
  }

  /** Runs a scenario on a target for `windowMs` after everything has begun, and ends it. `look` is called at its end. */
  async measure(target: Target, scenario: Scenario, windowMs: number, look: () => void = () => {}): Promise<Sample> {
    const { answer, intervalMs, rampMs } = scenario;
    await this.answerWith(answer, intervalMs);
    await this.#load.ask({ do: 'start', job: loadJob(target, scenario) });
    await this.#wait(rampMs + SETTLE_MS);
    const before = await this.#snapshot(target);
    await this.#wait(windowMs);
    const after = await this.#snapshot(target);
    look();
    await this.#load.ask({ do: 'stop' });
    await this.#untilDrained();
    if (after.load.failures > 0) {
      const { failures, firstFailure } = after.load;
      this.problems.push(`${target.name}: ${failures} answers failed, the first: ${firstFailure}`);
    }
    const { answers, bytes, open, firstTextMs } = after.load;
    const targetCpuMs = after.targetCpuMs - before.targetCpuMs;
    const harnessCpuMs = after.harnessCpuMs - before.harnessCpuMs;
    const foreignCpuMs = Math.max(0, after.machineCpuMs - before.machineCpuMs - targetCpuMs - harnessCpuMs);
    const seconds = (after.atMs - before.atMs) / 1000;
    return {
      seconds,
      tokens: after.tokens - before.tokens,
      answers,
      bytes,
      open,
      firstTextMs,
      targetCpuMs,
      harnessCpuMs,
      foreignCpuMs,
    };
  }

  async #wait(durationMs: number): Promise<void> {
    await sleep(systemClock, durationMs, this.#stopped);
    this.#stopped.throwIfAborted();
  }

  async #snapshot({ pid }: Target): Promise<Snapshot> {
    const load = await this.#load.ask({ do: 'count' });
    const { tokens } = await this.#upstream.ask({ workload: null });
    return {
      atMs: systemClock.monotonicMs(),
      load,
      tokens,
      targetCpuMs: pid === null ? 0 : cpuMs(pid),
      harnessCpuMs: cpuMs(this.#upstream.pid) + cpuMs(this.#load.pid),
      machineCpuMs: machineCpuMs(),
    };
  }

  /** The clients are gone; the engine notices through the target. */
  async #untilDrained(): Promise<void> {
    const deadlineMs = systemClock.monotonicMs() + DRAIN_DEADLINE_MS;
    for (;;) {
      const { openStreams } = await this.#upstream.ask({ workload: null });
      if (openStreams === 0) return;
      if (systemClock.monotonicMs() > deadlineMs) throw new Error(`${openStreams} streams outlive their clients`);
      await sleep(systemClock, DRAIN_POLL_MS);
    }
  }
}

interface Programs {
  readonly upstream: Program<UpstreamRequest, UpstreamReply>;
  readonly load: Program<LoadRequest, LoadReply>;
}

interface Snapshot {
  readonly atMs: number;
  readonly load: LoadReply;
  readonly tokens: number;
  readonly targetCpuMs: number;
  readonly harnessCpuMs: number;
  readonly machineCpuMs: number;
}

/** Chorus is asked through its own API; the others pass on what an engine understands. */
function loadJob(
  { name, address }: Target,
  { answer, stream, connections, rampMs, maxPauseMs = 0 }: Scenario,
): LoadJob {
  const { tokenCount, text, firstWordId } = answer;
  const common = { address, connections, rampMs, maxPauseMs, expected: { tokenCount, text } };
  if (name === 'chorus' || name === 'unstored') {
    const body = JSON.stringify({ model: 'gpt-oss-20b', input: QUESTION, stream, store: name === 'chorus' });
    const firstTextMark = stream ? '"delta":"' : '"output_text"';
    return { ...common, path: PATHS.responses, body, answer: `responses-${stream ? 'stream' : 'json'}`, firstTextMark };
  }
  const body = JSON.stringify({
    token_ids: Array(120).fill(firstWordId),
    sampling_params: { max_tokens: 4000 },
    stream,
  });
  const firstTextMark = stream ? `"token_ids":[${firstWordId}]` : '"token_ids"';
  return { ...common, path: PATHS.tokens, body, answer: `tokens-${stream ? 'stream' : 'json'}`, firstTextMark };
}
