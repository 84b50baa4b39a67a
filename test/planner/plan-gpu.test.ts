import { describe, expect, it } from 'vitest';
import { GiB, MiB } from '../../src/domain/units.ts';
import { aGpu, codes, gpus, planFor, seats, type CardName } from './machines.ts';

describe('empty cards', () => {
  const cases: [count: number, card: CardName, expected: string[]][] = [
    [1, 'rtx-4080', ['20b 0 tight-eager 16384']],
    [1, 'rtx-4090', ['20b 0 standard 131072']],
    [2, 'rtx-4090', ['20b 0 standard 131072', '20b 1 standard 131072']],
    [4, 'rtx-4090', ['120b 0+1+2+3 standard 65536']],
    [1, 'l4', ['20b 0 standard 131072']],
    [4, 'l4', ['120b 0+1+2+3 tight 32768']],
    [2, 'rtx-5090', ['20b 0 standard 131072', '20b 1 standard 131072']],
    [4, 'rtx-5090', ['120b 0+1+2+3 standard 131072']],
    [2, 'a100-40', ['20b 0 standard 131072', '20b 1 standard 131072']],
    [4, 'a100-40', ['120b 0+1+2+3 standard 131072']],
    [1, 'l40s', ['20b 0 standard 131072']],
    [2, 'l40s', ['120b 0+1 standard 131072']],
    [3, 'l40s', ['120b 0+1 standard 131072']],
    [4, 'l40s', ['120b 0+1 standard 131072', '120b 2+3 standard 131072']],
    [1, 'a100-80', ['120b 0 tight 32768']],
    [2, 'a100-80', ['120b 0+1 standard 131072']],
    [1, 'h100', ['120b 0 tight 32768']],
    [3, 'h100', ['120b 0+1 standard 131072', '120b 2 tight 32768']],
    [
      8,
      'h100',
      ['120b 0+1 standard 131072', '120b 2+3 standard 131072', '120b 4+5 standard 131072', '120b 6+7 standard 131072'],
    ],
    [1, 'rtx-pro-6000', ['120b 0 standard 131072']],
    [2, 'h200', ['120b 0 standard 131072', '120b 1 standard 131072']],
    [1, 'b200', ['120b 0 standard 131072']],
  ];
  it.for(cases)('%d x %s', ([count, card, expected]) => {
    const plan = planFor(gpus(count, card));
    expect(seats(plan)).toEqual(expected);
    expect(plan.placements.map(({ engineId, kind }) => [engineId, kind])).toEqual(
      expected.map((_, position) => [`e${position}`, 'gpu']),
    );
  });

  it('lets the estimate of one H100 agree with what vLLM reported there', () => {
    const [placement] = planFor(gpus(1, 'h100')).placements;
    // vllm#27508: 1.71 GiB of KV cache at 0.95.
    expect((placement?.memory?.kvCacheBytes ?? 0) / GiB).toBeCloseTo(1.72, 1);
    expect(placement?.profile).toEqual({
      name: 'tight',
      maxModelLen: 32_768,
      gpuMemoryUtilization: 0.95,
      maxNumBatchedTokens: 1024,
    });
  });

  it('never gives the parts of a budget more than the whole', () => {
    for (const card of ['rtx-4080', 'rtx-4090', 'l40s', 'h100', 'h200'] as const) {
      for (const { memory, profile } of planFor(gpus(2, card)).placements) {
        const { budgetBytes, weightBytes, runtimeBytes, kvCacheBytes } = memory ?? expect.fail('no estimate');
        expect(Math.abs(budgetBytes - weightBytes - runtimeBytes - kvCacheBytes)).toBeLessThan(3);
        expect(memory?.kvCacheTokens).toBeGreaterThanOrEqual(profile.maxModelLen);
      }
    }
  });
});

describe('cards that are not used', () => {
  it('a third 48 GB card has no partner, and the plan says what it takes', () => {
    expect(planFor(gpus(3, 'l40s')).rejections).toEqual([
      {
        subject: 'GPU 2 (NVIDIA L40S)',
        code: 'no_equal_card',
        reason: 'a replica of gpt-oss-120b takes 2 cards of this kind, and only this one is left',
        remedy: 'Add 1 more, or use one card with 80 GB or more.',
      },
    ]);
  });

  it.for([
    ['size', { totalBytes: 46_000 * MiB }],
    ['name', { name: 'NVIDIA L40' }],
    ['compute capability', { computeCapability: 9.0 }],
  ] as const)('are only joined with cards of the same %s', ([, difference]) => {
    const plan = planFor([aGpu('l40s', { index: 0 }), aGpu('l40s', { index: 1, ...difference })]);
    expect(seats(plan)).toEqual(['20b 0 standard 131072', '20b 1 standard 131072']);
    expect(codes(plan)).toEqual(['gpt-oss-120b: does_not_fit']);
  });

  it('are joined without the one that drives a display where possible', () => {
    const plan = planFor([
      aGpu('l40s', { index: 0, displayActive: true }),
      aGpu('l40s', { index: 1 }),
      aGpu('l40s', { index: 2 }),
    ]);
    expect(seats(plan)).toEqual(['120b 1+2 standard 131072']);
  });

  it('MIG, old cards, and cards that tell too little each get their reason and remedy', () => {
    const plan = planFor([
      aGpu('h100', { index: 0, migEnabled: true }),
      aGpu('rtx-4090', { index: 1, name: 'Tesla V100', computeCapability: 7.0 }),
      aGpu('rtx-4090', { index: 2, computeCapability: null }),
      aGpu('rtx-4090', { index: 3, name: 'NVIDIA GB10', totalBytes: null, freeBytes: null, usedBytes: null }),
      aGpu('rtx-4090', { index: 4 }),
    ]);
    expect(seats(plan)).toEqual(['20b 4 standard 131072']);
    expect(codes(plan)).toEqual([
      'gpt-oss-120b: does_not_fit',
      'GPU 0 (NVIDIA H100 80GB HBM3): mig_enabled',
      'GPU 1 (Tesla V100): compute_capability_too_low',
      'GPU 2 (NVIDIA GeForce RTX 4090): unknown_capability',
      'GPU 3 (NVIDIA GB10): unknown_memory',
    ]);
    expect(plan.rejections.filter(({ remedy }) => remedy === undefined)).toEqual([]);
    expect(plan.rejections[1]?.remedy).toContain('nvidia-smi -i 0 -mig 0');
  });

  it('the smaller model is held against the larger with every context that it would have', () => {
    const plan = planFor([aGpu('h100', { usedMiB: 60_000 }), aGpu('h100', { index: 1 })]);
    expect(seats(plan)).toEqual(['120b 1 tight 32768']);
    expect(plan.reasons.find((reason) => reason.startsWith('gpt-oss-20b instead'))).toContain(
      'would give 2 replicas with a context of 131,072 or 16,384 tokens',
    );
  });

  it('a 2 GB card is too small, with the numbers', () => {
    const plan = planFor([aGpu('rtx-4090', { totalBytes: 2048 * MiB, freeBytes: 2000 * MiB, usedBytes: 0 })]);
    expect(plan.rejections[0]).toEqual({
      subject: 'GPU 0 (NVIDIA GeForce RTX 4090)',
      code: 'memory_too_small',
      reason: 'gpt-oss-20b needs 14.9 GiB free on one card, and this one has 2.0 GiB',
      remedy: 'Use one card with 16 GB or more.',
    });
  });

  it('an 8 GB card could be one of several', () => {
    const plan = planFor([aGpu('rtx-4090', { totalBytes: 8188 * MiB, freeBytes: 7900 * MiB, usedBytes: 0 })]);
    expect(plan.model).toBeNull();
    expect(plan.summary).toBe('Nothing fits: no GPU here has the free memory for gpt-oss-20b or gpt-oss-120b.');
    expect(codes(plan)).toContain('GPU 0 (NVIDIA GeForce RTX 4090): no_equal_card');
  });

  it('a 4 GB card is no start: a larger one is the advice, not seven more', () => {
    const plan = planFor([aGpu('rtx-4090', { totalBytes: 4096 * MiB, freeBytes: 4000 * MiB, usedBytes: 0 })]);
    expect(plan.rejections).toEqual([
      {
        subject: 'GPU 0 (NVIDIA GeForce RTX 4090)',
        code: 'no_equal_card',
        reason: 'a replica of gpt-oss-20b takes 8 cards of this kind, and only this one is left',
        remedy: 'Use one card with 16 GB or more.',
      },
      {
        subject: 'gpt-oss-120b',
        code: 'does_not_fit',
        reason: 'its weights are 66.0 GiB, which no group of these cards holds',
        remedy: 'Use one card with 80 GB or more.',
      },
    ]);
  });
});

describe('memory in use by others', () => {
  it('lowers the utilisation to what is free, and says so', () => {
    const plan = planFor([aGpu('rtx-4090', { usedMiB: 3000 })]);
    expect(plan.placements[0]?.profile).toEqual({
      name: 'standard',
      maxModelLen: 65_536,
      gpuMemoryUtilization: 0.83,
    });
    expect(plan.reasons).toContain(
      'GPU 0 is shared: other processes hold 2.9 GiB. vLLM gets 83 % of it, and fails to start if less is free by then.',
    );
  });

  it('leaves a free card of a pair alone rather than joining it with a full one', () => {
    const plan = planFor([aGpu('l40s', { index: 0 }), aGpu('l40s', { index: 1, usedMiB: 30_000 })]);
    expect(seats(plan)).toEqual(['20b 0 standard 131072']);
    expect(codes(plan)).toEqual(['gpt-oss-120b: does_not_fit', 'GPU 1 (NVIDIA L40S): memory_in_use']);
    expect(plan.rejections[0]).toMatchObject({
      reason:
        'of GPU 1 (NVIDIA L40S), other processes hold 29.3 GiB of it; gpt-oss-120b needs 38.6 GiB free, 15.1 GiB are',
      remedy: 'End the processes that nvidia-smi lists, then start again.',
    });
  });

  it('joins the free ones of many', () => {
    const [first, ...rest] = gpus(4, 'h100');
    const plan = planFor([first ?? expect.fail(), aGpu('h100', { index: 1, usedMiB: 60_000 }), ...rest.slice(1)]);
    expect(seats(plan)).toEqual(['120b 0+2 standard 131072', '120b 3 tight 32768']);
  });

  it('on a 16 GB card with a display is too much, and the remedy is to move the display', () => {
    const plan = planFor([aGpu('rtx-4080', { usedMiB: 596, displayActive: true })]);
    expect(plan.placements).toEqual([]);
    expect(plan.rejections[0]).toEqual({
      subject: 'GPU 0 (NVIDIA GeForce RTX 4080)',
      code: 'memory_in_use',
      reason: 'a display or other processes hold 596 MiB of it; gpt-oss-20b needs 15.4 GiB free, 15.0 GiB are',
      remedy: 'Drive the display from other graphics, or end what nvidia-smi lists.',
    });
  });

  it('takes cards without a display first', () => {
    const cards = [aGpu('rtx-4090', { index: 0, usedMiB: 400, displayActive: true }), aGpu('rtx-4090', { index: 1 })];
    expect(seats(planFor(cards, { replicas: 1 }))).toEqual(['20b 1 standard 131072']);
  });

  it.for<[freeGiB: number, expected: string[]]>([
    [22, ['20b 0 standard 131072']],
    [20, ['20b 0 standard 65536']],
    [19, ['20b 0 standard 32768']],
    [17, ['20b 0 tight-eager 16384']],
    [15.6, ['20b 0 tight-eager 8192']],
    [15, []],
  ])('with %d GiB free of 24, gpt-oss-20b gets %j', ([freeGiB, expected]) => {
    const usedMiB = 24_564 - 486 - freeGiB * 1024;
    expect(seats(planFor([aGpu('rtx-4090', { usedMiB })]))).toEqual(expected);
  });
});

it('warns of a driver that is too old for the published vLLM', () => {
  const plan = planFor([aGpu('rtx-4090', { driverVersion: '550.54.15' })]);
  expect(plan.reasons.at(-1)).toBe(
    "Driver 550.54.15 is older than 580, which vLLM's published wheels (CUDA 13) need: update it, or install a CUDA 12 " +
      'build of vLLM.',
  );
});
