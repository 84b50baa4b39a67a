import { describe, expect, it } from 'vitest';
import { GiB } from '../../src/domain/units.ts';
import { gpuFootprint, kvBytesForContext, runtimeBytes, splitBudget } from '../../src/planner/estimate.ts';
import { planFor, gpus, CARDS, type CardName } from './machines.ts';

const gib = (bytes: number): number => bytes / GiB;
const cudaBytes = (card: CardName): number => (CARDS[card].totalMiB - CARDS[card].reservedMiB) * 1024 ** 2;

describe('the estimate against what was published', () => {
  it.for<[what: string, model: 'gpt-oss-20b' | 'gpt-oss-120b', published: number, tolerance: number]>([
    ['12.88 GiB, Marlin on an RTX 3090 (vllm#22331)', 'gpt-oss-20b', 12.88, 0.05],
    ['65.97 GiB, Marlin on an H100 (vllm#23278)', 'gpt-oss-120b', 65.97, 0.05],
    ['64.38 GiB, Triton on an H100 (vllm#33155): the larger of the two is planned with', 'gpt-oss-120b', 64.38, 1.7],
  ])('weights: %s', ([, model, published, tolerance]) => {
    const weights = gib(gpuFootprint(model).weightBytes);
    expect(Math.abs(weights - published)).toBeLessThanOrEqual(tolerance);
  });

  it.for<[model: 'gpt-oss-20b' | 'gpt-oss-120b', published: number]>([
    ['gpt-oss-120b', 4.54], // vllm#27508
    ['gpt-oss-20b', 3.0],
  ])('KV cache of one full context of %s: %d GiB', ([model, published]) => {
    expect(gib(kvBytesForContext(gpuFootprint(model), 131_072))).toBeCloseTo(published, 1);
  });

  it.for<[share: number, published: number, source: string]>([
    [0.9, -2.14, 'vllm#23278'],
    [0.95, 1.71, 'vllm#27508'],
  ])('KV cache of gpt-oss-120b on one H100 at %d: %d GiB (%s)', ([share, published]) => {
    const { kvCacheBytes } = splitBudget(gpuFootprint('gpt-oss-120b'), {
      budgetBytes: share * cudaBytes('h100'),
      runtimeBytes: runtimeBytes(cudaBytes('h100'), false),
      cardCount: 1,
    });
    expect(gib(kvCacheBytes)).toBeCloseTo(published, 0);
  });

  it.for<[count: number, card: CardName, published: number]>([
    [2, 'l40s', 33], // 66 / 2 on 48 GB cards
    [4, 'rtx-4090', 16.5], // 66 / 4 on 24 GB cards
  ])('share of the weights: %d x %s hold %d GiB each', ([count, card, published]) => {
    const [placement] = planFor(gpus(count, card)).placements;
    expect(gib(placement?.memory?.weightBytes ?? 0)).toBeCloseTo(published, 1);
  });

  it('one L4 serves gpt-oss-20b with its full context, as it does in production since 2025', () => {
    expect(planFor(gpus(1, 'l4')).placements[0]?.profile.maxModelLen).toBe(131_072);
  });
});
