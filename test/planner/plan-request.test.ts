import { describe, expect, it } from 'vitest';
import { GiB } from '../../src/domain/units.ts';
import { aGpu, codes, gpus, planFor, seats, TINY_FOLDER } from './machines.ts';

describe('a given number of replicas', () => {
  it('takes the roomiest seats and leaves the rest', () => {
    const plan = planFor([aGpu('h100', { index: 0 }), aGpu('h200', { index: 1 })], { replicas: 1 });
    expect(seats(plan)).toEqual(['120b 1 standard 131072']);
    expect(codes(plan)).toEqual(['GPU 0 (NVIDIA H100 80GB HBM3): not_needed']);
  });

  it('gives up joined cards for more replicas', () => {
    const plan = planFor(gpus(4, 'h100'), { replicas: 4 });
    expect(seats(plan)).toEqual([0, 1, 2, 3].map((index) => `120b ${index} tight 32768`));
    expect(plan.reasons).toContain(
      'So many replicas fit only with fewer cards each; without --replicas it would be 2 replicas on 2 cards each, with a ' +
        'context of 131,072 tokens.',
    );
  });

  it('falls back to the smaller model when the larger does not fit so often', () => {
    const plan = planFor(gpus(4, 'l40s'), { replicas: 4 });
    expect(seats(plan)).toEqual([0, 1, 2, 3].map((index) => `20b ${index} standard 131072`));
    expect(plan.rejections).toEqual([
      {
        subject: 'gpt-oss-120b',
        code: 'too_many_replicas',
        reason: '4 replicas of it do not fit on these GPUs, 2 would',
        remedy: 'Use --replicas 2.',
      },
    ]);
    expect(plan.notServed).toEqual({
      'gpt-oss-120b':
        'gpt-oss-120b is not served here: 4 replicas of it do not fit on these GPUs, 2 would. Use gpt-oss-20b.',
    });
  });

  it('beyond what fits is refused with the number that would', () => {
    const plan = planFor(gpus(2, 'h100'), { replicas: 3 });
    expect([plan.model, plan.placements, plan.summary]).toEqual([
      null,
      [],
      '3 replicas do not fit: at most 2 of gpt-oss-120b or 2 of gpt-oss-20b.',
    ]);
    expect(codes(plan)).toEqual(['gpt-oss-20b: too_many_replicas', 'gpt-oss-120b: too_many_replicas']);
  });
});

describe('a model that was asked for', () => {
  it('has a shorter context than would be chosen unasked, where no longer one fits', () => {
    const cards = gpus(2, 'a100-40');
    const unasked = planFor(cards);
    expect(seats(unasked)).toEqual(['20b 0 standard 131072', '20b 1 standard 131072']);
    expect(unasked.rejections).toEqual([
      {
        subject: 'gpt-oss-120b',
        code: 'does_not_fit',
        reason:
          '2 cards like the NVIDIA A100-SXM4-40GB leave it a context of 16,384 tokens, too little to be chosen unasked',
        remedy: 'If that is enough: --model gpt-oss-120b.',
      },
    ]);
    const asked = planFor(cards, { model: 'gpt-oss-120b' });
    expect(asked.placements.map(({ profile }) => profile)).toEqual([
      { name: 'tight', maxModelLen: 16_384, gpuMemoryUtilization: 0.95, maxNumBatchedTokens: 1024 },
    ]);
    expect(asked.reasons[1]).toContain(
      'That is tight: with 95 % of each card and batches of 1,024 tokens there is room for a context of 16,384 tokens. If ' +
        'vLLM finds less when it starts, it is tried once more with a shorter one.',
    );
    const pinned = planFor(cards, { model: 'gpt-oss-120b', contextTokens: 16_384 });
    expect(pinned.reasons[1]).not.toContain('once more');
  });

  it('is placed although a larger one would fit', () => {
    const plan = planFor(gpus(2, 'h100'), { model: 'gpt-oss-20b' });
    expect(seats(plan)).toEqual(['20b 0 standard 131072', '20b 1 standard 131072']);
    expect(plan.notServed).toEqual({
      'gpt-oss-120b': 'gpt-oss-120b is not served here: this server runs gpt-oss-20b. Use gpt-oss-20b.',
    });
  });

  it('is refused where it does not fit, although a smaller one would', () => {
    const plan = planFor(gpus(1, 'rtx-4090'), { model: 'gpt-oss-120b' });
    expect(plan.placements).toEqual([]);
    expect(Object.keys(plan.notServed)).toEqual(['gpt-oss-20b', 'gpt-oss-120b']);
  });
});

describe('a model folder', () => {
  it('of a small model fits anywhere with its full context', () => {
    const plan = planFor(gpus(2, 'rtx-4080'), { modelFolder: TINY_FOLDER });
    expect(seats(plan)).toEqual(['20b 0 standard 131072', '20b 1 standard 131072']);
    expect(plan.reasons[0]).toBe('The given folder holds a gpt-oss-20b of 105 MiB (not quantised).');
  });

  it('limits the context to its own', () => {
    const plan = planFor(gpus(1, 'rtx-4090'), { modelFolder: { ...TINY_FOLDER, maxContextTokens: 4096 } });
    expect(seats(plan)).toEqual(['20b 0 standard 4096']);
  });

  it('without quantisation takes the memory that it takes on disk', () => {
    const modelFolder = { ...TINY_FOLDER, layerCount: 24, kvBytesPerTokenAndLayer: 2048, diskBytes: 39 * GiB };
    expect(planFor(gpus(1, 'rtx-4090'), { modelFolder }).placements).toEqual([]);
    expect(planFor(gpus(1, 'h100'), { modelFolder }).placements[0]?.memory?.weightBytes).toBe(39 * GiB);
  });

  it('with quantisation takes more memory than on disk, as the published one does', () => {
    const modelFolder = {
      ...TINY_FOLDER,
      model: 'gpt-oss-120b' as const,
      layerCount: 36,
      kvBytesPerTokenAndLayer: 2048,
      diskBytes: 60.8 * GiB,
      quantised: true,
    };
    expect(planFor(gpus(1, 'h100'), { modelFolder }).placements).toEqual(planFor(gpus(1, 'h100')).placements);
  });
});

describe('GPUs that were named', () => {
  const cards = [0, 1, 2, 3].map((index) => aGpu('rtx-4090', { index, uuid: `GPU-a${index}b${index}-77` }));

  it.for<[wanted: string[], used: string[]]>([
    [['1'], ['20b 1 standard 131072']],
    [
      ['2', 'GPU-a0'],
      ['20b 0 standard 131072', '20b 2 standard 131072'],
    ],
    [['A3B3'], ['20b 3 standard 131072']],
  ])('%j are the only ones used', ([wanted, used]) => {
    expect(seats(planFor(cards, { gpus: wanted, replicas: wanted.length }))).toEqual(used);
  });

  it('leave the others out with the reason', () => {
    expect(planFor(cards, { gpus: ['0'] }).rejections.at(-1)).toEqual({
      subject: 'GPUs 1 to 3',
      code: 'not_selected',
      reason: 'not among the cards that --gpus names',
      remedy: 'Leave --gpus away to use every card.',
    });
  });

  it.for<[entry: string, summary: string]>([
    ['7', "--gpus names '7', which no GPU here is: there are GPUs 0 to 3."],
    ['GPU-a', "--gpus names 'GPU-a', which may be GPUs 0 to 3: give more of the UUID, or the index."],
  ])('"%s" is refused', ([entry, summary]) => {
    const plan = planFor(cards, { gpus: ['0', entry] });
    expect([plan.placements, plan.summary]).toEqual([[], summary]);
  });
});

describe('pinned settings', () => {
  it('are used as they are', () => {
    const plan = planFor(gpus(2, 'h100'), { contextTokens: 20_000, gpuMemoryUtilization: 0.9, tensorParallel: 2 });
    expect(plan.placements.map(({ gpus: cards, profile }) => [cards.length, profile])).toEqual([
      [2, { name: 'standard', maxModelLen: 20_000, gpuMemoryUtilization: 0.9 }],
    ]);
  });

  it('a longer context joins more cards', () => {
    expect(seats(planFor(gpus(2, 'a100-80'), { contextTokens: 131_072 }))).toEqual(['120b 0+1 standard 131072']);
  });

  it('one card a replica puts two of them where a pair would be', () => {
    expect(seats(planFor(gpus(2, 'h100'), { tensorParallel: 1, model: 'gpt-oss-120b' }))).toEqual([
      '120b 0 tight 32768',
      '120b 1 tight 32768',
    ]);
  });

  it('that a larger model cannot hold choose the smaller, and say which setting is at fault', () => {
    const plan = planFor(gpus(1, 'h100'), { contextTokens: 100_000 });
    expect(seats(plan)).toEqual(['20b 0 standard 100000']);
    expect(plan.rejections).toEqual([
      {
        subject: 'gpt-oss-120b',
        code: 'context_does_not_fit',
        reason: 'a context of 100,000 tokens does not fit on these GPUs',
        remedy: 'Use --context-tokens 32768.',
      },
    ]);
  });

  it('that fit neither the card nor what a display leaves of it: both changes are the remedy', () => {
    const room = 'and make room: drive the display from other graphics, or end what nvidia-smi lists.';
    const cards = [aGpu('rtx-4080', { usedMiB: 596, displayActive: true })];
    const remedies = (pins: Parameters<typeof planFor>[1]) => planFor(cards, pins).rejections[0]?.remedy;
    expect(remedies({ contextTokens: 32_768, gpuMemoryUtilization: 0.5 })).toBe(
      `Use --context-tokens 16384 and --gpu-memory-utilization 0.95, ${room}`,
    );
    expect(remedies({ contextTokens: 32_768 })).toBe(`Use --context-tokens 16384, ${room}`);
    expect(remedies({ contextTokens: 8192 })).toBe(
      'Drive the display from other graphics, or end what nvidia-smi lists.',
    );
  });

  it.for<[pin: Parameters<typeof planFor>[1], code: string, remedy: string]>([
    [{ contextTokens: 131_072 }, 'context_does_not_fit', 'Use --context-tokens 16384.'],
    [{ gpuMemoryUtilization: 0.8 }, 'share_does_not_fit', 'Use --gpu-memory-utilization 0.95.'],
    [{ gpuMemoryUtilization: 1 }, 'share_does_not_fit', 'Use --gpu-memory-utilization 0.95.'],
    [{ tensorParallel: 4 }, 'size_does_not_fit', 'Use --tensor-parallel 1.'],
  ])('%j on one 16 GB card is refused with the value that fits', ([pin, code, remedy]) => {
    const plan = planFor(gpus(1, 'rtx-4080'), pin);
    expect(plan.placements).toEqual([]);
    expect(plan.rejections[0]).toMatchObject({ subject: 'gpt-oss-20b', code, remedy });
  });

  it('of which several must change together are one entry with all the values that fit', () => {
    const pins = { contextTokens: 131_072, gpuMemoryUtilization: 0.5 };
    const entry = {
      subject: 'gpt-oss-20b',
      code: 'settings_do_not_fit',
      reason:
        'a context of 131,072 tokens does not fit on these GPUs and 0.5 of the memory of a card is too little for it, or ' +
        'more than is free',
      remedy: 'Use --context-tokens 16384 and --gpu-memory-utilization 0.95.',
    };
    expect(planFor(gpus(1, 'rtx-4080'), pins).rejections[0]).toEqual(entry);
    expect(planFor(gpus(1, 'rtx-4080'), { ...pins, tensorParallel: 1 }).rejections[0]).toEqual(entry);
    expect(planFor(gpus(1, 'rtx-4080'), { ...pins, tensorParallel: 2 }).rejections[0]?.remedy).toBe(
      'Use --context-tokens 16384, --gpu-memory-utilization 0.95 and --tensor-parallel 1.',
    );
  });
});
