import { describe, expect, it } from 'vitest';
import type { EngineProfile, Placement } from '../../src/domain/placement.ts';
import { adaptProfile } from '../../src/planner/adapt.ts';
import { gpus, planFor, seats, type CardName } from './machines.ts';

const placed = (card: CardName, profile: Partial<EngineProfile> = {}): Placement => {
  const [placement] = planFor(gpus(1, card)).placements;
  if (!placement) return expect.fail(`nothing fits on one ${card}`);
  return { ...placement, profile: { ...placement.profile, ...profile } };
};
const adaptedProfile = (placement: Placement, ...failure: [code: string, estimate?: number]) =>
  adaptProfile(placement, ...failure)?.profile ?? null;

describe('a context that is too long', () => {
  it('falls to the next smaller one', () => {
    expect(adaptedProfile(placed('h200'), 'context_too_long')).toEqual({
      name: 'adapted',
      maxModelLen: 65_536,
      gpuMemoryUtilization: 0.92,
    });
  });

  it('falls to what vLLM estimates at once', () => {
    expect(adaptedProfile(placed('h200'), 'context_too_long', 20_000)?.maxModelLen).toBe(16_384);
  });

  it('that cannot fall gives up CUDA graphs, then nothing more', () => {
    const shortest = placed('rtx-4080', { maxModelLen: 8192, enforceEager: false });
    const eager = adaptProfile(shortest, 'context_too_long') ?? expect.fail('not adapted');
    expect(eager.profile).toMatchObject({ maxModelLen: 8192, enforceEager: true });
    expect(adaptProfile(eager, 'context_too_long')).toBeNull();
  });
});

it('no KV cache at all takes small batches and the largest share, then no CUDA graphs', () => {
  const first = adaptProfile(placed('rtx-4090'), 'no_kv_cache') ?? expect.fail('not adapted');
  expect(first.profile).toEqual({
    name: 'adapted',
    maxModelLen: 131_072,
    gpuMemoryUtilization: 0.95,
    maxNumBatchedTokens: 1024,
  });
  const second = adaptProfile(first, 'no_kv_cache') ?? expect.fail('not adapted');
  expect(second.profile).toEqual({ ...first.profile, enforceEager: true });
  expect(adaptProfile(second, 'no_kv_cache')).toBeNull();
});

it('out of memory leaves more of the card outside the share, then graphs, then context', () => {
  const first = adaptProfile(placed('rtx-4090'), 'gpu_out_of_memory') ?? expect.fail('not adapted');
  expect(first.profile).toEqual({
    name: 'adapted',
    maxModelLen: 131_072,
    gpuMemoryUtilization: 0.89,
    maxNumBatchedTokens: 1024,
  });
  const second = adaptProfile(first, 'gpu_out_of_memory') ?? expect.fail('not adapted');
  expect(second.profile).toEqual({ ...first.profile, enforceEager: true });
  expect(adaptedProfile(second, 'gpu_out_of_memory')?.maxModelLen).toBe(65_536);
});

it('the larger model keeps its CUDA graphs: it gets a smaller share, and nothing for a cache that has no room', () => {
  const tight = placed('h100');
  expect([tight.model, tight.profile.maxNumBatchedTokens]).toEqual(['gpt-oss-120b', 1024]);
  const next = adaptedProfile(tight, 'gpu_out_of_memory');
  expect(next).toEqual({ ...tight.profile, name: 'adapted', gpuMemoryUtilization: 0.94, maxModelLen: 16_384 });
  expect(adaptProfile(tight, 'no_kv_cache')).toBeNull();
});

it('a smaller share leaves the memory that its estimate says', () => {
  const before = placed('rtx-4090');
  const after = adaptProfile(before, 'gpu_out_of_memory') ?? expect.fail('not adapted');
  const { budgetBytes, weightBytes, runtimeBytes, kvCacheBytes } = after.memory ?? expect.fail('no estimate');
  expect(budgetBytes).toBe(weightBytes + runtimeBytes + kvCacheBytes);
  expect(after.memory?.kvCacheTokens).toBeLessThan(before.memory?.kvCacheTokens ?? 0);
});

it('other failures and engines without a GPU are not adapted', () => {
  expect(adaptProfile(placed('h200'), 'driver_too_old')).toBeNull();
  expect(adaptProfile(placed('h200'), 'gpu_busy')).toBeNull();
  expect(adaptProfile({ ...placed('h200'), kind: 'cpu' }, 'gpu_out_of_memory')).toBeNull();
});

describe('what worked before', () => {
  const profile = { name: 'adapted', maxModelLen: 16_384, gpuMemoryUtilization: 0.9, maxNumBatchedTokens: 1024 };
  const { weightBytes } = placed('l4').memory ?? expect.fail('no estimate');
  const fit = { gpuName: 'NVIDIA L4', cardCount: 1, model: 'gpt-oss-20b', weightBytes, profile } as const;
  const remembered = [fit];

  it('is used again, and the plan says so', () => {
    const plan = planFor(gpus(1, 'l4'), { remembered });
    expect(plan.placements[0]?.profile).toEqual(profile);
    expect(plan.reasons).toContain(
      'An earlier start on such a card worked with a context of 16,384 tokens and 90 % of the memory, after what the ' +
        'estimate allows had failed: the same is used again.',
    );
  });

  it('is no word on another checkpoint of the model', () => {
    const plan = planFor(gpus(1, 'l4'), { remembered: [{ ...fit, weightBytes: 2 * weightBytes }] });
    expect(plan.placements[0]?.profile.name).toBe('standard');
  });

  it('yields to what is asked for now, to other cards and to memory in use', () => {
    expect(seats(planFor(gpus(1, 'l4'), { remembered, contextTokens: 65_536 }))).toEqual(['20b 0 standard 65536']);
    expect(seats(planFor(gpus(1, 'rtx-4090'), { remembered }))).toEqual(['20b 0 standard 131072']);
    const [card] = gpus(1, 'l4');
    const busy = card ? [{ ...card, usedBytes: 3e9, freeBytes: (card.freeBytes ?? 0) - 3e9 }] : [];
    expect(planFor(busy, { remembered }).placements[0]?.profile.name).toBe('standard');
  });
});
