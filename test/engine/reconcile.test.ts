import { afterEach, describe, expect, it } from 'vitest';
import type { Placement } from '../../src/domain/placement.ts';
import type { EngineFailure } from '../../src/engine/failures.ts';
import { groupMembers } from '../../src/system/process-group.ts';
import { simulatedPlacements } from '../support/engine-bench.ts';
import { type FleetBench, startFleetBench } from '../support/fleet-bench.ts';

const DRAIN_MS = 5000;
const CARD: EngineFailure = {
  code: 'xid_79',
  message: 'GPU 0 has fallen off the bus',
  remedy: 'Reset.',
  retry: 'never',
};

let bench: FleetBench;

async function begin(count: number): Promise<FleetBench> {
  bench = startFleetBench(simulatedPlacements(count));
  await bench.fleet.start();
  bench.leastReady();
  return bench;
}

const engines = (): string[] =>
  bench.fleet.status().map(({ engineId, generation, phase }) => `${engineId}#${generation} ${phase}`);
const leader = (position: number): number => bench.leaders()[position] ?? 0;
/** A seat on a card of its own, although the engine on it is simulated. */
const onCard = (placement: Placement, index: number): Placement => ({
  ...placement,
  gpus: [{ index, uuid: `GPU-${index}`, name: 'NVIDIA L4' }],
});

afterEach(async () => {
  await bench.close();
});

describe('a change of the fleet', () => {
  it('leaves alone what is as wanted, whatever the planner now thinks of its memory', async () => {
    const { fleet, leaders } = await begin(2);
    const before = leaders();
    const estimate = {
      budgetBytes: 1,
      weightBytes: 1,
      runtimeBytes: 0,
      kvCacheBytes: 0,
      kvCacheTokens: 0,
      concurrentRequests: 0,
    };
    const placements = simulatedPlacements(2).map((placement) => ({ ...placement, memory: estimate }));
    expect(await fleet.reconcile({ placements, launch: {} }, DRAIN_MS)).toEqual({ kind: 'settled' });
    expect(leaders()).toEqual(before);
  });

  it('replaces serving engines one after another', async () => {
    const { fleet, leaders, leastReady, rotation } = await begin(3);
    const before = leaders();
    const target = { placements: simulatedPlacements(3), launch: { engineArguments: ['--max-num-seqs', '8'] } };
    expect(await fleet.reconcile(target, DRAIN_MS)).toEqual({ kind: 'settled' });
    expect(engines()).toEqual(['e0#2 ready', 'e1#2 ready', 'e2#2 ready']);
    expect(leastReady()).toBe(2);
    expect(before.flatMap(groupMembers)).toEqual([]);
    expect(rotation.calls.filter((call) => call.startsWith('admit'))).toHaveLength(6);
  });

  it('starts what is added and ends what is gone, and nobody remembers that', async () => {
    const { fleet, leastReady, rotation } = await begin(2);
    const [kept, gone] = [leader(0), leader(1)];
    const [e0, , e2] = simulatedPlacements(3);
    await fleet.reconcile({ placements: [e0, e2].filter((each) => each !== undefined) }, DRAIN_MS);
    expect(engines()).toEqual(['e0#1 ready', 'e2#1 ready']);
    expect([leader(0), groupMembers(gone)]).toEqual([kept, []]);
    expect(leastReady()).toBe(2);
    expect(rotation.calls).toContain('remove e1');
    expect([fleet.has('e1'), fleet.has('e2')]).toEqual([false, true]);
  });

  it('does not take the last one out of rotation while another is on its way back', async () => {
    const { fleet, changed, leastReady } = await begin(2);
    process.kill(leader(0), 'SIGKILL');
    await changed(() => engines()[0] === 'e0#1 backoff');
    leastReady();
    const [e0, e1] = simulatedPlacements(2);
    const smaller = e1 && { ...e1, profile: { ...e1.profile, maxModelLen: 2048 } };
    const placements = [e0, smaller].filter((each) => each !== undefined);
    expect(await fleet.reconcile({ placements }, DRAIN_MS)).toEqual({ kind: 'settled' });
    expect(engines()).toEqual(['e0#2 ready', 'e1#2 ready']);
    expect(leastReady()).toBe(1);
  });

  it('stops at the first engine that does not start, and the others serve on', async () => {
    const { fleet } = await begin(3);
    const others = [leader(1), leader(2)];
    const fatal = ['--fatal', 'vllm: error: unrecognized arguments: --nope'];
    const end = await fleet.reconcile(
      { placements: simulatedPlacements(3), launch: { engineArguments: fatal } },
      DRAIN_MS,
    );
    expect(end).toMatchObject({ kind: 'held', engineId: 'e0', failure: { code: 'unknown_flag' } });
    expect(engines()).toEqual(['e0#2 failed', 'e1#1 ready', 'e2#1 ready']);
    expect([leader(1), leader(2)]).toEqual(others);
  });

  it('tries one that has failed again before it touches those that serve', async () => {
    const { fleet, launch } = await begin(2);
    const serving = leader(1);
    const placements = simulatedPlacements(2);
    const fatal = { engineArguments: ['--fatal', 'vllm: error: unrecognized arguments: --nope'] };
    for (const generation of [2, 3]) {
      expect(await fleet.reconcile({ placements, launch: fatal }, DRAIN_MS)).toMatchObject({ kind: 'held' });
      expect(engines()).toEqual([`e0#${generation} failed`, 'e1#1 ready']);
    }
    const mended = { engineArguments: launch.engineArguments };
    expect(await fleet.reconcile({ placements, launch: mended }, DRAIN_MS)).toEqual({ kind: 'settled' });
    expect([engines(), leader(1)]).toEqual([['e0#4 ready', 'e1#1 ready'], serving]);
  });

  it('gives way to a newer one, and what was not reached is not touched', async () => {
    const { fleet, changed, launch } = await begin(2);
    const other = leader(1);
    const placements = simulatedPlacements(2);
    const first = fleet.reconcile({ placements, launch: { engineArguments: ['--never-listen'] } }, DRAIN_MS);
    await changed(() => engines()[0] === 'e0#2 starting');
    const second = fleet.reconcile({ placements, launch: { engineArguments: launch.engineArguments } }, DRAIN_MS);
    expect(await Promise.all([first, second])).toEqual([{ kind: 'superseded' }, { kind: 'settled' }]);
    expect(engines()).toEqual(['e0#3 ready', 'e1#1 ready']);
    expect(leader(1)).toBe(other);
  });

  it('before the start only says what will be started', async () => {
    bench = startFleetBench(simulatedPlacements(2));
    await bench.fleet.reconcile({ placements: simulatedPlacements(1) }, DRAIN_MS);
    expect(engines()).toEqual(['e0#0 idle']);
    await bench.fleet.start();
    expect(engines()).toEqual(['e0#1 ready']);
  });

  it('moves cards from engines that go to those that come', async () => {
    const [e0, e1] = simulatedPlacements(2);
    if (!e0 || !e1) throw new Error('no placements');
    bench = startFleetBench([onCard(e0, 0), onCard(e1, 1)]);
    await bench.fleet.start();
    const both = { ...onCard(e0, 0), engineId: 'e2', gpus: [...onCard(e0, 0).gpus, ...onCard(e1, 1).gpus] };
    expect(await bench.fleet.reconcile({ placements: [both] }, DRAIN_MS)).toEqual({ kind: 'settled' });
    expect(engines()).toEqual(['e2#1 ready']);
  });
});

describe('an engine at the hands of an operator', () => {
  it('is drained and stays stopped until it is started', async () => {
    const { fleet } = await begin(2);
    await fleet.drain('e1', DRAIN_MS);
    expect(engines()).toEqual(['e0#1 ready', 'e1#1 stopped']);
    await fleet.startEngine('e1');
    expect(engines()).toEqual(['e0#1 ready', 'e1#2 ready']);
  });

  it('is not started by what waited to start it before it was drained', async () => {
    bench = startFleetBench(simulatedPlacements(2));
    const { fleet } = bench;
    const drained = fleet.drain('e1', DRAIN_MS);
    await fleet.start();
    await drained;
    expect(engines()).toEqual(['e0#1 ready', 'e1#0 stopped']);
    await fleet.startEngine('e1');
    expect(engines()).toEqual(['e0#1 ready', 'e1#1 ready']);
  });

  it('stays stopped when it is drained while it is being restarted', async () => {
    const { fleet, changed, rotation } = await begin(1);
    rotation.startStream();
    const restarted = fleet.restart('e0', DRAIN_MS);
    await changed(() => engines()[0] === 'e0#1 draining');
    const drained = fleet.drain('e0', DRAIN_MS);
    rotation.streamsFinisher()();
    await Promise.all([restarted, drained]);
    expect(engines()).toEqual(['e0#1 stopped']);
    await fleet.restart('e0', DRAIN_MS);
    expect(engines()).toEqual(['e0#2 ready']);
  });

  it('is drained and comes back when it is restarted', async () => {
    const { fleet } = await begin(1);
    const before = leader(0);
    await fleet.restart('e0', DRAIN_MS);
    expect(engines()).toEqual(['e0#2 ready']);
    expect(groupMembers(before)).toEqual([]);
  });

  it('has to exist', async () => {
    const { fleet } = await begin(1);
    await expect(fleet.restart('e7', DRAIN_MS)).rejects.toThrow('there is no engine e7');
  });
});

describe('a card that is taken out of use', () => {
  it('takes its engine along at once, with the reason, and nothing starts there until it is put into use again', async () => {
    bench = startFleetBench(simulatedPlacements(2).map(onCard));
    const { fleet, rotation } = bench;
    await fleet.start();
    const stricken = leader(0);
    await fleet.cordon(['GPU-0'], CARD);
    expect(groupMembers(stricken)).toEqual([]);
    expect(engines()).toEqual(['e0#1 failed', 'e1#1 ready']);
    expect(fleet.status()[0]).toMatchObject({
      sentence: 'failed: GPU 0 has fallen off the bus. Reset.',
      lastFailure: CARD,
    });
    expect(rotation.calls).toContain('closeStreams e0');
    await fleet.startEngine('e0');
    expect(engines()[0]).toBe('e0#1 failed');
    fleet.uncordon(['GPU-0']);
    await fleet.startEngine('e0');
    expect(engines()[0]).toBe('e0#2 ready');
  });

  it('has its engine again when the plan with it is followed again', async () => {
    const placements = simulatedPlacements(2).map(onCard);
    bench = startFleetBench(placements);
    const { fleet } = bench;
    await fleet.start();
    const other = leader(1);
    await fleet.cordon(['GPU-0'], CARD);
    fleet.uncordon(['GPU-0']);
    expect(await fleet.reconcile({ placements }, DRAIN_MS)).toEqual({ kind: 'settled' });
    expect([engines(), leader(1)]).toEqual([['e0#2 ready', 'e1#1 ready'], other]);
  });
});

describe('engines that die together', () => {
  it('come back one after another while another one serves, and say for whom they wait', async () => {
    const { fleet, changed, leastReady } = await begin(3);
    const sentences: string[] = [];
    fleet.onChange(() => sentences.push(...fleet.status().map(({ engineId, sentence }) => `${engineId}: ${sentence}`)));
    for (const pid of [leader(0), leader(1)]) process.kill(pid, 'SIGKILL');
    let mostStarting = 0;
    fleet.onChange(() => {
      mostStarting = Math.max(mostStarting, engines().filter((engine) => engine.endsWith('starting')).length);
    });
    await changed(() => engines().toSorted().join() === 'e0#2 ready,e1#2 ready,e2#1 ready');
    expect(mostStarting).toBe(1);
    expect(leastReady()).toBe(1);
    expect(sentences.filter((sentence) => /starts again once e[01] is back$/.test(sentence))).not.toEqual([]);
  });
});
