import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Placement } from '../../src/domain/placement.ts';
import type { PhaseName } from '../../src/engine/engine-state.ts';
import { readFits } from '../../src/engine/fit-memory.ts';
import { adaptProfile } from '../../src/planner/adapt.ts';
import { Fleet } from '../../src/engine/fleet.ts';
import type { FleetDeps } from '../../src/engine/fleet-deps.ts';
import { systemClock } from '../../src/system/clock.ts';
import { groupMembers } from '../../src/system/process-group.ts';
import { vocabularyDirectory } from '../../src/system/vocabulary.ts';
import {
  MISBEHAVING_ENGINE,
  QUICK_POLICY,
  RecordingRotation,
  silentLogger,
  simulatedPlacements,
} from '../support/engine-bench.ts';
import { changed } from '../support/fleet-bench.ts';

const SIMULATOR = fileURLToPath(new URL('../../src/sim/main.ts', import.meta.url));
const OWNER = fileURLToPath(new URL('../support/children/fleet-owner.ts', import.meta.url));

let stateDir: string;
let rotation: RecordingRotation;
let fleets: Fleet[];
let owner: ChildProcess | null;

beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'chorus-fleet-'));
  rotation = new RecordingRotation();
  fleets = [];
  owner = null;
});

afterEach(async () => {
  await Promise.all(fleets.map((fleet) => fleet.kill()));
  owner?.kill('SIGKILL');
  rmSync(stateDir, { recursive: true, force: true });
});

interface Choice {
  readonly simulatorPath?: string;
  readonly python?: string;
  readonly stateDir?: string;
  readonly adapt?: FleetDeps['adapt'];
}

function makeFleet(placements: readonly Placement[], choice: Choice = {}): Fleet {
  const launch: FleetDeps['launch'] = {
    python: choice.python ?? null,
    modelPath: null,
    engineArguments: [],
    vocabularyDirectory,
    nodePath: process.execPath,
    simulatorPath: choice.simulatorPath ?? MISBEHAVING_ENGINE,
    environment: process.env,
  };
  const fleet = new Fleet({
    adapt: choice.adapt ?? (() => null),
    placements,
    stateDir: choice.stateDir ?? stateDir,
    launch,
    rotation,
    clock: systemClock,
    logger: silentLogger,
    random: Math.random,
    policy: QUICK_POLICY,
  });
  fleets.push(fleet);
  return fleet;
}

const phases = (fleet: Fleet): PhaseName[] => fleet.status().map(({ phase }) => phase);
const leaders = (fleet: Fleet): number[] => fleet.status().flatMap(({ pid }) => pid ?? []);

/** Starts another process that owns a fleet, and returns the pids of its leaders. */
async function startOwner(how: 'wait' | 'throw', ...engineFlags: readonly string[]): Promise<number[]> {
  const child = spawn(process.execPath, [OWNER, stateDir, how, ...engineFlags], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  owner = child;
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return JSON.parse(line.toString()) as number[];
}

async function killOwner(): Promise<void> {
  const child = owner ?? expect.fail('no owner');
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

describe('a fleet of simulated engines', () => {
  it('serves with all, replaces the one that is killed, and leaves nothing when it is stopped', async () => {
    const fleet = makeFleet(simulatedPlacements(2), { simulatorPath: SIMULATOR });
    await fleet.start();
    expect(phases(fleet)).toEqual(['ready', 'ready']);
    const [killed = 0, other] = leaders(fleet);
    process.kill(killed, 'SIGKILL');
    await changed(fleet, () => fleet.status()[0]?.generation === 2 && phases(fleet)[0] === 'ready');
    expect(leaders(fleet)[1]).toBe(other);
    expect(rotation.admitted.map(({ engineId, generation }) => `${engineId}#${generation}`).toSorted()).toEqual([
      'e0#1',
      'e0#2',
      'e1#1',
    ]);
    const groups = [killed, ...leaders(fleet)];
    await fleet.stop(1000);
    expect(phases(fleet)).toEqual(['stopped', 'stopped']);
    expect(groups.flatMap(groupMembers)).toEqual([]);
    expect([readdirSync(join(stateDir, 'sockets')), readdirSync(join(stateDir, 'engines'))]).toEqual([[], []]);
  });
});

describe('a fleet', () => {
  it('starts nothing after a stop', async () => {
    const fleet = makeFleet(simulatedPlacements(2));
    const started = fleet.start();
    await fleet.stop(0);
    await started;
    expect(phases(fleet)).toEqual(['stopped', 'stopped']);
    expect(existsSync(join(stateDir, 'logs'))).toBe(false);
  });

  it('tells its listeners of changes until they leave', async () => {
    const fleet = makeFleet(simulatedPlacements(1));
    const seen: PhaseName[] = [];
    const leave = fleet.onChange(() => seen.push(...phases(fleet)));
    await fleet.start();
    leave();
    await fleet.stop(0);
    expect([...new Set(seen)]).toEqual(['starting', 'ready']);
  });

  it('puts sockets where their addresses fit when the state directory is too deep', async () => {
    const deep = join(stateDir, 'x'.repeat(100));
    const fleet = makeFleet(simulatedPlacements(1), { stateDir: deep });
    const [{ socketPath } = { socketPath: '' }] = fleet.status();
    expect(existsSync(join(socketPath ?? '', '..'))).toBe(false);
    await fleet.start();
    expect(phases(fleet)).toEqual(['ready']);
    await fleet.stop(0);
    expect(existsSync(join(socketPath ?? '', '..'))).toBe(false);
  });

  it('starts nothing, and says why, where no socket can be made', async () => {
    writeFileSync(join(stateDir, 'sockets'), 'not a folder');
    const fleet = makeFleet(simulatedPlacements(1));
    await fleet.start();
    expect(fleet.status()[0]).toMatchObject({
      phase: 'failed',
      generation: 0,
      sentence: expect.stringMatching(/^failed: the folder for its socket cannot be made: EEXIST/),
    });
  });

  it('starts the first engine on GPUs alone, each engine on its own card', async () => {
    const bin = join(stateDir, 'bin');
    const starts = join(stateDir, 'starts');
    mkdirSync(bin);
    writeFileSync(join(bin, 'python'), '#!/bin/sh\nexit 1\n');
    writeFileSync(
      join(bin, 'vllm'),
      `#!/bin/sh\necho "$CUDA_VISIBLE_DEVICES" >> ${starts}\nexec ${process.execPath} ${MISBEHAVING_ENGINE} "$@"\n`,
    );
    for (const name of ['python', 'vllm']) chmodSync(join(bin, name), 0o755);
    const onCard = (placement: Placement, index: number): Placement => ({
      ...placement,
      kind: 'gpu',
      gpus: [{ index, uuid: `GPU-${index}`, name: 'NVIDIA H100 80GB HBM3' }],
    });
    const fleet = makeFleet(simulatedPlacements(3).map(onCard), { python: join(bin, 'python') });
    const started = fleet.start();
    await changed(fleet, () => phases(fleet)[0] === 'ready');
    expect(readFileSync(starts, 'utf8')).toBe('0\n');
    await started;
    expect(phases(fleet)).toEqual(['ready', 'ready', 'ready']);
    expect(readFileSync(starts, 'utf8').split('\n').toSorted()).toEqual(['', '0', '1', '2']);
  });
});

describe('the engines of a Chorus that dies', () => {
  it('end with it when it ends by an exception', async () => {
    const pids = await startOwner('throw');
    await expect.poll(() => pids.flatMap(groupMembers), { timeout: 5000 }).toEqual([]);
  });

  it('end by themselves when it is killed', async () => {
    const pids = await startOwner('wait');
    await killOwner();
    await expect.poll(() => pids.flatMap(groupMembers), { timeout: 5000 }).toEqual([]);
  });

  it('are ended by the next one when it was killed and they do not end by themselves', async () => {
    const pids = await startOwner('wait', '--ignore-term');
    await killOwner();
    expect(pids.flatMap(groupMembers)).toHaveLength(2);
    const fleet = makeFleet(simulatedPlacements(2));
    await fleet.start();
    expect(pids.flatMap(groupMembers)).toEqual([]);
    expect(phases(fleet)).toEqual(['ready', 'ready']);
  });

  it('are left alone while it lives: the second one starts nothing and says why', async () => {
    const pids = await startOwner('wait', '--ignore-term');
    const fleet = makeFleet(simulatedPlacements(1));
    await fleet.start();
    expect(fleet.status()[0]).toMatchObject({
      phase: 'failed',
      generation: 0,
      sentence: `failed: another Chorus (pid ${owner?.pid}) runs its engines from this state directory. Stop it, or use another --state-dir.`,
    });
    await fleet.stop(0);
    expect(pids.flatMap(groupMembers)).toHaveLength(2);
    await killOwner();
    await makeFleet([]).start();
    expect(pids.flatMap(groupMembers)).toEqual([]);
  });
});

describe('a fleet on cards that hold less than was planned', () => {
  const TOO_LONG =
    "ValueError: To serve at least one request with the model's max seq len (131072), 4.5 GiB KV cache is needed, which is larger than the available KV cache memory (3.1 GiB). Based on the available memory, the estimated maximum model length is 90112.";

  function onCard(index: number): Placement {
    return {
      engineId: `e${index}`,
      kind: 'gpu',
      model: 'gpt-oss-20b',
      gpus: [{ index, uuid: `GPU-${index}`, name: 'NVIDIA L4' }],
      profile: { name: 'standard', maxModelLen: 131_072, gpuMemoryUtilization: 0.92 },
      memory: {
        budgetBytes: 22e9,
        weightBytes: 14e9,
        runtimeBytes: 3e9,
        kvCacheBytes: 5e9,
        kvCacheTokens: 150_000,
        concurrentRequests: 4,
      },
    };
  }

  /** A `vllm` that starts with a context of 65,536 tokens only; gives the interpreter beside it. */
  function installPickyVllm(): string {
    const script = [
      '#!/bin/sh',
      `case "$*" in *"--max-model-len 65536 "*) exec ${process.execPath} ${MISBEHAVING_ENGINE} "$@" ;; esac`,
      `echo "${TOO_LONG}" >&2; exit 1`,
    ];
    for (const [name, text] of [
      ['vllm', script.join('\n')],
      ['python', '#!/bin/sh\nexit 1'],
    ] as const) {
      writeFileSync(join(stateDir, name), `${text}\n`, { mode: 0o755 });
    }
    return join(stateDir, 'python');
  }

  it('tries once more with less, starts the others with what fitted, and remembers it', async () => {
    const fleet = makeFleet([onCard(0), onCard(1)], { python: installPickyVllm(), adapt: adaptProfile });
    await fleet.start();
    expect(fleet.status().map(({ phase, generation }) => [phase, generation])).toEqual([
      ['ready', 2],
      ['ready', 1],
    ]);
    expect(fleet.status()[0]?.lastFailure?.message).toMatch(/ It is tried once more with a context of 65,536 tokens/);
    expect(readFits(stateDir)).toMatchObject([
      { gpuName: 'NVIDIA L4', cardCount: 1, weightBytes: 14e9, profile: { maxModelLen: 65_536 } },
    ]);
  });

  it('gives up with the reason when nothing may be given up', async () => {
    const fleet = makeFleet([onCard(0)], { python: installPickyVllm() });
    await fleet.start();
    expect(fleet.status()).toMatchObject([
      { phase: 'failed', generation: 1, lastFailure: { code: 'context_too_long' } },
    ]);
    expect(readFits(stateDir)).toEqual([]);
  });
});
