import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { groupMembers } from '../../src/system/process-group.ts';
import { processesNaming } from '../support/chorus-process.ts';
import { type EngineBench, QUICK_POLICY, startBench } from '../support/engine-bench.ts';

let bench: EngineBench;
const begin = (flags: readonly string[] = [], policy = QUICK_POLICY): EngineBench =>
  (bench = startBench(flags, policy));

/** Members of the groups of all starts: what must be empty at the end. */
const leftMembers = (): number[] => bench.groups.flatMap(groupMembers);

afterEach(async () => {
  await bench.close();
});

describe('an engine that works', () => {
  it('is admitted with what it says of itself, after a real token', async () => {
    const { engine, rotation, socketPath } = begin();
    await engine.start();
    expect(rotation.admitted).toEqual([
      {
        engineId: 'e0',
        generation: 1,
        model: 'gpt-oss-20b',
        endpoint: { socketPath },
        servedName: 'gpt-oss-20b',
        tokenRoute: 'generate',
        maxModelLen: 4096,
        engineVersion: '9.9.9',
        simulated: true,
      },
    ]);
    expect(engine.status).toEqual({
      engineId: 'e0',
      model: 'gpt-oss-20b',
      kind: 'simulated',
      gpus: [],
      phase: 'ready',
      generation: 1,
      sentence: 'in rotation',
      mayBecomeReady: true,
      progress: null,
      pid: bench.groups[0],
      restarts: 0,
      lastFailure: null,
      recent: bench.events,
      engineVersion: '9.9.9',
      socketPath,
      host: null,
      logFile: join(bench.stateDir, 'logs', 'e0.1.log'),
    });
  });

  it('is asked on the completions route when the generate route is closed', async () => {
    const { engine, rotation } = begin(['--no-scale-out']);
    await engine.start();
    expect(rotation.admitted[0]?.tokenRoute).toBe('completions');
  });

  it('writes its output to its own file, whether or not anybody reads', async () => {
    const { engine, log } = begin();
    await engine.start();
    expect(log()).toBe('Resolved architecture: GptOssForCausalLM\nApplication startup complete.\n');
  });

  it('has the environment of its command and nothing else', async () => {
    const { engine } = begin();
    await engine.start();
    const environment = readFileSync(`/proc/${bench.groups[0]}/environ`, 'utf8').split('\0').filter(Boolean);
    expect(environment).toEqual([`PATH=${process.env['PATH']}`]);
  });

  it('starts although a socket file of an earlier life is in its way', async () => {
    const { engine, socketPath } = begin();
    mkdirSync(dirname(socketPath));
    writeFileSync(socketPath, '');
    await engine.start();
    expect(engine.status.phase).toBe('ready');
  });
});

describe('an engine that ends by itself', () => {
  it('is swept when its leader goes at once and leaves a child that ignores SIGTERM', async () => {
    const { engine, reached } = begin(['--orphan', '--exit-at-once', '--once', 'STATE/first']);
    await engine.start();
    expect(engine.status).toMatchObject({ phase: 'backoff', lastFailure: { code: 'crashed' } });
    expect(leftMembers()).toEqual([]);
    await reached('ready', 2);
  });

  it('has failed although its exit code is 0, and is started again', async () => {
    const { engine, reached } = begin(['--exit-after-ready', '--once', 'STATE/first']);
    await engine.start();
    await reached('ready', 2);
    expect(engine.status.lastFailure?.message).toBe('it exited by itself (code 0) without a word about it in its log');
  });

  it('is not started again when its own words say that it would end the same way', async () => {
    const { engine, rotation } = begin(['--fatal', 'vllm: error: unrecognized arguments: --nope']);
    await engine.start();
    expect(engine.status).toMatchObject({
      phase: 'failed',
      sentence: 'failed: this vLLM does not know --nope. Install vLLM 0.32, the version that Chorus is made for.',
      generation: 1,
      mayBecomeReady: false,
    });
    expect(rotation.calls).toEqual(['died e0 #1', 'withdraw e0: its process ended']);
  });

  it('is given up after five failures in a row, each with a log of its own', async () => {
    const quicker = { ...QUICK_POLICY, restart: { ...QUICK_POLICY.restart, firstDelayMs: 1 } };
    const { engine, reached } = begin(['--exit-at-once'], quicker);
    await engine.start();
    await reached('failed', 5);
    expect(engine.status.sentence).toMatch(
      /^failed: given up after 5 failures in a row; the last: it exited with code 1/,
    );
    expect(readdirSync(join(bench.stateDir, 'logs')).toSorted()).toEqual([1, 2, 3, 4, 5].map((n) => `e0.${n}.log`));
  });
});

describe('an engine that does not become ready', () => {
  it('is replaced when it never answers', async () => {
    const { engine } = begin(['--never-listen'], { ...QUICK_POLICY, startDeadlineMs: 400 });
    await engine.start();
    expect(engine.status).toMatchObject({
      phase: 'backoff',
      lastFailure: { code: 'start_too_slow', message: 'it was not ready within 400 ms' },
    });
    expect(leftMembers()).toEqual([]);
  });

  it('is replaced when it is healthy and makes no token', async () => {
    const { engine, rotation } = begin(['--no-token']);
    await engine.start();
    expect(engine.status.lastFailure?.message).toBe(
      'it answered /health but made no token within 300 ms: the first token failed: 500 no kernel for this',
    );
    expect(rotation.admitted).toEqual([]);
  });

  it('has failed when there is no such program', async () => {
    bench = startBench([], QUICK_POLICY, '/nowhere/vllm');
    await bench.engine.start();
    expect(bench.engine.status.sentence).toBe(
      'failed: it could not be started: there is no program /nowhere/vllm. Install vLLM, or name the Python interpreter of its environment with --python.',
    );
  });
});

describe('an engine whose record cannot be written', () => {
  it('does not run on without one, and starts once it can be', async () => {
    const { engine, stateDir, reached } = begin();
    const obstacle = join(stateDir, 'engines', 'e0.json.part');
    mkdirSync(obstacle, { recursive: true });
    await engine.start();
    expect(engine.status).toMatchObject({ phase: 'backoff', pid: null, lastFailure: { code: 'not_started' } });
    expect(processesNaming(stateDir)).toEqual([]);
    rmSync(obstacle, { recursive: true });
    await reached('ready', 2);
  });
});

describe('an engine that falls ill', () => {
  it('leaves rotation at the first 503 and is replaced when it does not recover', async () => {
    const { engine, rotation, reached } = begin(['--sick-after-ready', '--once', 'STATE/first']);
    await engine.start();
    await reached('unhealthy');
    expect(rotation.calls).toEqual(['admit e0 #1', 'died e0 #1', 'withdraw e0: /health says 503 ""']);
    await reached('ready', 2);
    expect(engine.status.lastFailure?.message).toBe('it did not recover: /health says 503 ""');
  });
});

describe('stopping an engine', () => {
  it('routes away, waits for its streams, and only then ends it', async () => {
    const { engine, rotation, reached } = begin();
    await engine.start();
    rotation.startStream();
    const stopped = engine.stop(60_000, 5000);
    await reached('draining');
    expect(groupMembers(bench.groups[0] ?? 0)).toHaveLength(1);
    rotation.streamsFinisher()();
    await stopped;
    expect(rotation.calls).toEqual([
      'admit e0 #1',
      'withdraw e0: it is being stopped',
      'whenIdle e0',
      'closeStreams e0',
      'withdraw e0: it is being stopped',
    ]);
    expect(engine.status).toMatchObject({ phase: 'stopped', pid: null, restarts: 0 });
    expect(existsSync(bench.socketPath)).toBe(false);
    expect(leftMembers()).toEqual([]);
  });

  it('waits for the streams of this life, not of an earlier one', async () => {
    const { engine, rotation, reached } = begin();
    await engine.start();
    rotation.startStream();
    void engine.stop(60_000, 5000);
    await reached('draining');
    const finishEarlier = rotation.streamsFinisher();
    await engine.kill();
    await engine.start();
    rotation.startStream();
    void engine.stop(60_000, 5000);
    await reached('draining', 2);
    finishEarlier();
    await setImmediate();
    expect(engine.status.phase).toBe('draining');
  });

  it('closes the streams that outlive the drain', async () => {
    const { engine, rotation } = begin();
    await engine.start();
    rotation.startStream();
    await engine.stop(50, 5000);
    expect(rotation.calls).toContain('closeStreams e0');
    expect(engine.status.phase).toBe('stopped');
  });

  it('kills a group that ignores SIGTERM', async () => {
    const { engine, log } = begin(['--ignore-term', '--orphan']);
    await engine.start();
    await engine.stop(0, 1000);
    expect(log()).toContain('SIGTERM ignored');
    expect(leftMembers()).toEqual([]);
  });

  it('does not wait when it is killed during the drain', async () => {
    const { engine, rotation } = begin(['--ignore-term']);
    await engine.start();
    rotation.startStream();
    const stopped = engine.stop(60_000, 60_000);
    await engine.kill();
    await stopped;
    expect(engine.status.phase).toBe('stopped');
    expect(leftMembers()).toEqual([]);
  });

  it('ends a start that is under way', async () => {
    const { engine, reached } = begin(['--never-listen']);
    void engine.start();
    await reached('starting');
    await engine.stop(60_000, 5000);
    expect(engine.status).toMatchObject({ phase: 'stopped', generation: 1 });
    expect(leftMembers()).toEqual([]);
  });

  it('keeps it stopped until it is started again', async () => {
    const { engine } = begin();
    await engine.start();
    await engine.stop(0, 5000);
    await engine.start();
    expect(engine.status).toMatchObject({ phase: 'ready', generation: 2 });
  });
});
