import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import type { EngineSampling } from '../../src/protocol/generate.ts';
import { systemClock } from '../../src/system/clock.ts';
import { groupMembers } from '../../src/system/process-group.ts';
import { createUpstream } from '../../src/upstream/upstream.ts';
import { questionPrompt } from '../support/converse.ts';
import { startSimulator, type EngineProcess, type SimulatorSettings } from '../support/engine-process.ts';
import { runTokenStream, type RunningTokenStream } from '../support/run-token-stream.ts';
import { SAMPLING } from '../support/scripted-streams.ts';

const STORY = questionPrompt('Tell me a long story.');
const upstream = createUpstream({ clock: systemClock, stallTimeoutMs: 20_000 });
let engine: EngineProcess;

async function simulator(settings: SimulatorSettings = {}): Promise<EngineProcess> {
  engine = startSimulator(settings);
  await engine.ready;
  return engine;
}

function open(sampling: Partial<EngineSampling> = {}): RunningTokenStream {
  const request = {
    promptTokenIds: STORY,
    sampling: { ...SAMPLING, max_tokens: 600, ...sampling },
    requestId: 'req_1',
    cacheSalt: null,
  };
  return runTokenStream(upstream.openTokenStream, { replica: engine.replica(), ...request });
}

afterEach(async () => {
  await engine.kill();
  await upstream.closeReplica('e0');
});

describe('a start', () => {
  it('prints the milestones of vLLM in their order and then serves', async () => {
    const { output } = await simulator({ flags: ['--sim-startup-ms', '100'] });
    const milestones = [
      /\(APIServer pid=\d+\) INFO \d\d-\d\d \d\d:\d\d:\d\d \[\S+\] Resolved architecture: GptOssForCausalLM/,
      /\(EngineCore pid=\d+\) INFO .* Initializing a V1 LLM engine/,
      /\(Worker pid=\d+\) INFO .* Starting to load model/,
      /Loading safetensors checkpoint shards: 100% Completed/,
      /\(EngineCore pid=\d+\) INFO .* KV cache size: 671,088 tokens/,
      /init engine \(profile, create kv cache, warmup model\) took/,
      /Application startup complete\./,
    ];
    const positions = milestones.map((milestone) => output().search(milestone));
    expect(positions).toEqual(positions.toSorted((a, b) => a - b));
    expect(positions[0]).toBeGreaterThan(-1);
    expect(await engine.ask('/health')).toEqual({ status: 200, text: '' });
    expect(await engine.ask('/version')).toEqual({ status: 200, text: '{"version":"0.32.0"}' });
    const { data } = JSON.parse((await engine.ask('/v1/models')).text) as { data: object[] };
    expect(data).toMatchObject([
      { id: 'gpt-oss-20b', max_model_len: 4096 },
      { id: 'openai/gpt-oss-20b', max_model_len: 4096 },
    ]);
  });

  it('ends with 2 and the usage error at an unknown flag', async () => {
    engine = startSimulator({ flags: ['--nope-flag'] });
    expect(await engine.exit).toEqual({ exitCode: 2, signal: null });
    expect(engine.output()).toBe('vllm: error: unrecognized arguments: --nope-flag\n');
  });

  it('ends with 1 when its socket exists, whatever it is', async () => {
    await simulator();
    const second = startSimulator({ socketPath: engine.socketPath });
    expect(await second.exit).toEqual({ exitCode: 1, signal: null });
    expect(second.output()).toContain('OSError: [Errno 98] Address already in use');
    expect((await engine.ask('/health')).status).toBe(200);
    const file = `${engine.socketPath}-file`;
    writeFileSync(file, '');
    expect((await startSimulator({ socketPath: file }).exit).exitCode).toBe(1);
  });

  it('can fail late, as when the engine process does not come up', async () => {
    engine = startSimulator({ flags: ['--sim-crash-before-ready'] });
    expect(await engine.exit).toEqual({ exitCode: 1, signal: null });
    expect(engine.output()).toMatch(/Starting to load model[\s\S]*RuntimeError: Engine core initialization failed\./);
  });
});

describe('an engine that dies', () => {
  it('ends its streams with an error frame, turns unhealthy and exits with 0', async () => {
    await simulator({ flags: ['--sim-crash-after-tokens', '5'] });
    const running = open();
    expect(await running.end).toEqual({
      kind: 'failed',
      failure: {
        reason: 'engine_error',
        status: 500,
        message: 'EngineCore encountered an issue. See stack trace (above) for the root cause.',
      },
    });
    expect(running.tokenIds()).toHaveLength(5);
    expect(await engine.ask('/health')).toEqual({ status: 503, text: '' });
    expect(await engine.exit).toEqual({ exitCode: 0, signal: null });
  });

  it('stays healthy when it only freezes, and sends nothing any more', async () => {
    await simulator({ flags: ['--sim-hang-after-tokens', '5'] });
    const [running, other] = [open(), open({ max_tokens: 2 })];
    await other.end;
    await running.arrived(5);
    const late = open();
    await anotherStart();
    expect((await engine.ask('/health')).status).toBe(200);
    expect([running.tokenIds().length, late.tokenIds().length]).toEqual([5, 0]);
    // The server repeats what its engine told last, before the late one came.
    expect(await engine.metric('num_requests_running')).toBe(1);
    running.stream.abort();
    late.stream.abort();
  });
});

describe('a signal to stop', () => {
  it('ends an idle engine with 0', async () => {
    await simulator();
    engine.process.kill('SIGTERM');
    expect(await engine.exit).toEqual({ exitCode: 0, signal: null });
  });

  it('lets a stream end that ends within the shutdown timeout', async () => {
    await simulator({ flags: ['--shutdown-timeout', '10'] });
    const running = open({ max_tokens: 40 });
    await running.arrived(3);
    engine.process.kill('SIGINT');
    expect(await running.end).toMatchObject({ kind: 'finished', finishReason: 'length' });
    expect(await engine.exit).toEqual({ exitCode: 0, signal: null });
  });

  it('hangs over a stream that outlives it, until the client closes that', async () => {
    await simulator({ flags: ['--shutdown-timeout', '0', '--sim-token-interval-ms', '20'] });
    const running = open();
    await running.arrived(3);
    engine.process.kill('SIGTERM');
    await refused(engine);
    engine.process.kill('SIGTERM');
    const seen = running.tokenIds().length;
    await anotherStart();
    expect(running.tokenIds().length - seen).toBeLessThanOrEqual(2);
    expect(engine.process.exitCode).toBeNull();
    running.stream.abort();
    expect(await engine.exit).toEqual({ exitCode: 0, signal: null });
  });

  it('ends a start before the engine process is there, and is lost after that', async () => {
    const flags = ['--sim-startup-ms', '1000'];
    engine = startSimulator({ flags });
    await engine.printed('version 0.32.0');
    engine.process.kill('SIGTERM');
    expect(await engine.exit).toEqual({ exitCode: null, signal: 'SIGTERM' });
    engine = startSimulator({ flags });
    await engine.printed('Initializing a V1 LLM engine');
    engine.process.kill('SIGTERM');
    await engine.ready;
    engine.process.kill('SIGTERM');
    expect(await engine.exit).toEqual({ exitCode: 0, signal: null });
  });

  it('can be ignored by the engine and by a child of it, which survives the engine', async () => {
    await simulator({ flags: ['--sim-ignore-term'] });
    const members = groupMembers(engine.process.pid!);
    expect(members).toHaveLength(2);
    for (const pid of members) process.kill(pid, 'SIGTERM');
    expect((await engine.ask('/health')).status).toBe(200);
    engine.process.kill('SIGKILL');
    await once(engine.process, 'exit');
    expect(groupMembers(engine.process.pid!)).toEqual(members.filter((pid) => pid !== engine.process.pid));
  });
});

/** Passes the time of a start: many tokens of an engine that would still make some. */
async function anotherStart(): Promise<void> {
  const another = startSimulator();
  await another.ready;
  await another.kill();
}

/** Resolves when nothing listens any more. */
async function refused({ ask }: EngineProcess): Promise<void> {
  while (
    await ask('/health').then(
      () => true,
      () => false,
    )
  );
}
