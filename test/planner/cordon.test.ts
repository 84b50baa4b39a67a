import { describe, expect, it } from 'vitest';
import type { Gpu, GpuFault } from '../../src/domain/gpu.ts';
import type { Plan } from '../../src/domain/placement.ts';
import { planPlacement } from '../../src/planner/plan-placement.ts';
import { withCordons } from '../../src/planner/cordon.ts';
import type { PlanRequest } from '../../src/planner/request.ts';
import { aMachine, AUTO, gpus, seats } from './machines.ts';

const lost = (index: number): GpuFault => ({
  uuid: `GPU-${index}`,
  index,
  code: 'xid_79',
  reason: 'has fallen off the bus (Xid 79)',
  sentence: `GPU ${index} has fallen off the bus (Xid 79).`,
  remedy: 'Reboot the machine.',
  action: 'cordon',
});

/** The first plan, and the one after these cards were lost, in which the replicas on other cards go on. */
const plans = (cards: readonly Gpu[], losses: readonly number[], wish: Partial<PlanRequest> = {}): [Plan, Plan] => {
  const inventory = aMachine(cards);
  const request = { ...AUTO, ...wish };
  const plan = planPlacement(inventory, request);
  const survivors = plan.placements.filter(({ gpus: own }) => !own.some(({ index }) => losses.includes(index)));
  return [plan, planPlacement(withCordons(inventory, losses.map(lost)), { ...request, survivors })];
};
const after = (...args: Parameters<typeof plans>): string[] => seats(plans(...args)[1]);

describe('after a card was lost', () => {
  it('replicas on other cards go on as they are', () => {
    const [before, plan] = plans(gpus(8, 'h100'), [5]);
    expect(seats(plan)[2]).toBe('120b 4 tight 32768');
    const others = ({ placements }: Plan) => placements.filter(({ engineId }) => engineId !== 'e2');
    expect(others(plan)).toEqual(others(before));
  });

  it.for<[what: string, cards: readonly Gpu[], losses: number[], wish: Partial<PlanRequest>, expected: string[]]>([
    [
      'its partner serves alone where it can',
      gpus(4, 'h100'),
      [0],
      {},
      ['120b 1 tight 32768', '120b 2+3 standard 131072'],
    ],
    ['a pair is not broken up to make others whole', gpus(4, 'l40s'), [1], {}, ['120b 2+3 standard 131072']],
    ['partners that are left are joined', gpus(4, 'l40s'), [0, 3], {}, ['120b 1+2 standard 131072']],
    ['the others of its kind go on', gpus(3, 'rtx-4090'), [0], {}, ['20b 1 standard 131072', '20b 2 standard 131072']],
    ['the model changes only where no replica is left', gpus(2, 'l40s'), [0], {}, ['20b 1 standard 131072']],
    [
      'a number of replicas is the most, not a must',
      gpus(2, 'rtx-4090'),
      [0],
      { replicas: 2 },
      ['20b 1 standard 131072'],
    ],
    [
      'an unused card takes its place',
      gpus(3, 'rtx-4090'),
      [0],
      { replicas: 2 },
      ['20b 1 standard 131072', '20b 2 standard 131072'],
    ],
    [
      'a larger model that had too few seats is not begun',
      gpus(4, 'l40s'),
      [3],
      { replicas: 4 },
      ['20b 0 standard 131072', '20b 1 standard 131072', '20b 2 standard 131072'],
    ],
    ['a model that was asked for is not replaced', gpus(2, 'l40s'), [0], { model: 'gpt-oss-120b' }, []],
    ['nothing is left', gpus(1, 'h100'), [0], {}, []],
  ])('%s', ([, cards, losses, wish, expected]) => {
    expect(after(cards, losses, wish)).toEqual(expected);
  });

  it('the plan says which card is out of service, why, and what that costs', () => {
    const [, plan] = plans(gpus(2, 'l40s'), [0]);
    expect(plan.rejections.find(({ code }) => code === 'cordoned')).toEqual({
      subject: 'GPU 0 (NVIDIA L40S)',
      code: 'cordoned',
      reason: 'it has fallen off the bus (Xid 79), and is out of service',
      remedy: 'Reboot the machine.',
    });
    expect(plan.notServed['gpt-oss-120b']).toBe(
      'gpt-oss-120b is not served here: its weights of 66.0 GiB take 2 cards like the NVIDIA L40S (33.0 GiB each), and ' +
        'there is 1; GPU 0 is out of service: it has fallen off the bus (Xid 79). Use gpt-oss-20b.',
    );
  });

  it('the last card, nothing runs, and the sentence says why', () => {
    const [, plan] = plans(gpus(1, 'h100'), [0]);
    expect([plan.summary, plan.notServed['gpt-oss-20b']]).toEqual([
      'Nothing to run on: vLLM cannot use the GPU here; GPU 0 is out of service: it has fallen off the bus (Xid 79).',
      'gpt-oss-20b is not served here: no GPU of this server can run it; GPU 0 is out of service: it has fallen off the ' +
        'bus (Xid 79).',
    ]);
  });
});
