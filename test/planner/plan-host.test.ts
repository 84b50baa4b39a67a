import { describe, expect, it } from 'vitest';
import type { Plan } from '../../src/domain/placement.ts';
import { GiB, MiB } from '../../src/domain/units.ts';
import { planPlacement } from '../../src/planner/plan-placement.ts';
import type { PlanRequest } from '../../src/planner/request.ts';
import { aMachine, AUTO, HOST, TINY_FOLDER } from './machines.ts';

describe('on the CPU', () => {
  const onCpu = (host: Partial<typeof HOST>, request: Partial<PlanRequest> = {}): Plan =>
    planPlacement(aMachine([], { host: { ...HOST, ...host } }), { ...AUTO, engine: 'cpu', ...request });

  it('one engine of the tiny model is the default, with KV cache for its context', () => {
    expect(onCpu({}, { modelFolder: TINY_FOLDER }).placements).toEqual([
      {
        engineId: 'e0',
        kind: 'cpu',
        model: 'gpt-oss-20b',
        gpus: [],
        profile: { name: 'cpu', maxModelLen: 131_072, cpuKvCacheGiB: 1, enforceEager: true },
        memory: {
          budgetBytes: Math.round(105 * MiB + 1 * GiB + 2.6 * GiB),
          weightBytes: 105 * MiB,
          runtimeBytes: Math.round(2.6 * GiB),
          kvCacheBytes: 1 * GiB,
          kvCacheTokens: 524_288,
          concurrentRequests: 64,
        },
      },
    ]);
  });

  it('takes as many as are asked for while the RAM lasts, then says how many fit', () => {
    expect(onCpu({ availableBytes: 16 * GiB }, { modelFolder: TINY_FOLDER, replicas: 4 }).placements).toHaveLength(4);
    const plan = onCpu({ availableBytes: 16 * GiB }, { modelFolder: TINY_FOLDER, replicas: 5 });
    expect([plan.model, plan.placements, plan.rejections]).toEqual([
      null,
      [],
      [
        {
          subject: 'gpt-oss-20b',
          code: 'too_many_replicas',
          reason: '5 engines of 3.7 GiB need more than the 16.0 GiB of RAM that are available, 4 would fit',
          remedy: 'Use --replicas 4.',
        },
      ],
    ]);
  });

  it('the published gpt-oss-20b needs AMX', () => {
    const plan = onCpu({});
    expect(plan.rejections).toEqual([
      {
        subject: 'gpt-oss-20b',
        code: 'amx_missing',
        reason: 'on a CPU its MXFP4 weights need AMX (Intel Xeon, 4th generation or newer); AMD EPYC 7763 has none',
        remedy: 'Serve an unquantised gpt-oss with --model-path, or use a GPU, or --engine simulated.',
      },
    ]);
    expect(onCpu({ hasAmx: true }).placements[0]?.profile).toEqual({
      name: 'cpu',
      maxModelLen: 131_072,
      cpuKvCacheGiB: 6,
      enforceEager: true,
    });
  });

  it('shortens the context before it refuses', () => {
    const profileWith = (availableGiB: number) =>
      onCpu({ hasAmx: true, availableBytes: availableGiB * GiB }).placements[0]?.profile;
    expect(profileWith(19)).toEqual({ name: 'cpu', maxModelLen: 65_536, cpuKvCacheGiB: 3, enforceEager: true });
    expect(profileWith(17)).toEqual({ name: 'cpu', maxModelLen: 16_384, cpuKvCacheGiB: 1, enforceEager: true });
    expect(profileWith(16)).toBeUndefined();
  });
});

describe('simulated', () => {
  const simulated = (request: Partial<PlanRequest> = {}): Plan =>
    planPlacement(aMachine([]), { ...AUTO, engine: 'simulated', ...request });

  it('has two replicas with the full context, and says that nothing real answers', () => {
    const seat = {
      kind: 'simulated',
      model: 'gpt-oss-20b',
      gpus: [],
      profile: { name: 'simulated', maxModelLen: 131_072 },
    };
    expect(simulated()).toEqual({
      model: 'gpt-oss-20b',
      placements: [
        { engineId: 'e0', ...seat },
        { engineId: 'e1', ...seat },
      ],
      rejections: [],
      summary: '2 simulated replicas of gpt-oss-20b, context 131,072 tokens.',
      reasons: ['SIMULATED: no model runs; the answers come from a small closed world.'],
      notServed: {
        'gpt-oss-120b': 'gpt-oss-120b is not served here: this server simulates gpt-oss-20b. Use gpt-oss-20b.',
      },
    });
  });

  it('has as many replicas as are asked for', () => {
    expect(simulated({ replicas: 5 }).placements.map(({ engineId }) => engineId)).toEqual([
      'e0',
      'e1',
      'e2',
      'e3',
      'e4',
    ]);
  });
});

it('a context that is given is the one on the CPU and in the simulator', () => {
  const request = { ...AUTO, modelFolder: TINY_FOLDER, contextTokens: 5000 };
  const contexts = (['cpu', 'simulated'] as const).map(
    (engine) => planPlacement(aMachine([]), { ...request, engine }).placements[0]?.profile.maxModelLen,
  );
  expect(contexts).toEqual([5000, 5000]);
});

describe('without GPUs', () => {
  it.for(['cpu', 'simulated'] as const)('settings that say how GPUs are used are told to do nothing (%s)', (engine) => {
    const request = { ...AUTO, engine, gpus: ['0'], tensorParallel: 2, gpuMemoryUtilization: 0.5 };
    const plan = planPlacement(aMachine([], { host: HOST }), { ...request, modelFolder: TINY_FOLDER });
    expect(plan.placements).not.toEqual([]);
    expect(plan.rejections).toEqual(
      ['--gpus', '--tensor-parallel', '--gpu-memory-utilization'].map((subject) => ({
        subject,
        code: 'without_effect',
        reason: `engines of kind ${engine} use no GPU`,
        remedy: 'Leave it away, or use --engine gpu.',
      })),
    );
  });
});
