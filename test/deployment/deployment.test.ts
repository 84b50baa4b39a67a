import { pino } from 'pino';
import { expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load-config.ts';
import { Deployment, type EngineRoster, type PlanLimits } from '../../src/deployment/deployment.ts';
import type { GpuFault } from '../../src/domain/gpu.ts';
import type { Placement, Plan } from '../../src/domain/placement.ts';
import { Refusal } from '../../src/domain/refusal.ts';
import type { FleetTarget } from '../../src/engine/fleet.ts';
import type { Reconciliation } from '../../src/engine/rollout.ts';
import { FakeClock } from '../support/fake-clock.ts';

const seat = (engineId: string, index: number): Placement => ({
  engineId,
  kind: 'gpu',
  model: 'gpt-oss-20b',
  gpus: [{ index, uuid: `GPU-${index}`, name: 'a card' }],
  profile: { name: 'standard', maxModelLen: 8192 },
});

const planOf = (...placements: Placement[]): Plan => ({
  model: 'gpt-oss-20b',
  placements,
  rejections: [],
  summary: `${placements.length} replicas`,
  reasons: [],
  notServed: {},
});

const FAULT: GpuFault = {
  uuid: 'GPU-1',
  index: 1,
  code: 'xid_79',
  reason: 'has fallen off the bus (Xid 79)',
  sentence: 'GPU 1 (a card) has fallen off the bus (Xid 79).',
  remedy: 'Restart the machine.',
  action: 'cordon',
};

/** Records what the engines are told; a change of them settles when the test says so. */
class RecordingRoster implements EngineRoster {
  readonly told: unknown[] = [];
  readonly changes: PromiseWithResolvers<Reconciliation>[] = [];

  cordon(...call: Parameters<EngineRoster['cordon']>): Promise<void> {
    this.told.push(['cordon', ...call]);
    return Promise.resolve();
  }

  uncordon(uuids: readonly string[]): void {
    this.told.push(['uncordon', uuids]);
  }

  reconcile({ placements, launch }: FleetTarget, drainMs: number): Promise<Reconciliation> {
    this.told.push([
      'reconcile',
      placements.map(({ engineId, gpus }) => `${engineId}:${gpus[0]?.index}`),
      launch,
      drainMs,
    ]);
    const change = Promise.withResolvers<Reconciliation>();
    this.changes.push(change);
    return change.promise;
  }
}

const configOf = (flags: Readonly<Record<string, string>>) =>
  loadConfig({ config: '/dev/null', stateDir: '/state', ...flags }, {});

async function setUp(plans: (limits: PlanLimits) => Plan | Refusal) {
  const roster = new RecordingRoster();
  const files: Readonly<Record<string, string>>[] = [];
  const forgiven: string[] = [];
  const limits: PlanLimits[] = [];
  let preparing = false;
  const deployment = new Deployment(
    { settings: (await configOf({})).settings, plan: planOf(seat('e0', 0), seat('e1', 1)) },
    {
      readConfig: () => configOf(files.at(-1) ?? {}),
      plan: (_, given) => {
        limits.push(given);
        const plan = plans(given);
        if (plan instanceof Refusal) return Promise.reject(plan);
        return Promise.resolve({ plan, source: { python: '/venv/bin/python', modelPath: '/weights' } });
      },
      isPreparing: () => preparing,
      roster,
      forgive: (uuid) => forgiven.push(uuid),
      clock: new FakeClock(1000),
      logger: pino({ enabled: false }),
      onChange: () => {},
    },
  );
  return { deployment, roster, files, forgiven, limits, prepare: () => (preparing = true) };
}

it('applies what needs no engine at once and leaves the engines alone', async () => {
  const { deployment, roster, files } = await setUp(() => planOf());
  files.push({ drainSeconds: '7', defaultTemperature: '0' });
  const { changes, plan } = await deployment.reload();
  expect([changes.map(({ path }) => path), plan]).toEqual([['default_temperature', 'drain_seconds'], null]);
  expect([deployment.options.drainMs, deployment.options.defaultTemperature]).toEqual([7000, 0]);
  expect(roster.told).toEqual([]);
});

it('has the engines follow a changed plan, and tells of it until they have', async () => {
  const { deployment, roster, files } = await setUp(() => planOf(seat('e0', 0), seat('e1', 1), seat('e2', 2)));
  files.push({ replicas: '3', engineArg: '--max-num-seqs=8' });
  expect((await deployment.reload()).plan).toBe('3 replicas');
  const launch = { engineArguments: ['--max-num-seqs=8'], python: '/venv/bin/python', modelPath: '/weights' };
  expect(roster.told).toEqual([['reconcile', ['e0:0', 'e1:1', 'e2:2'], launch, 30_000]]);
  expect(deployment.roll).toEqual({ reason: 'the settings have changed', sinceMs: 1000, held: null });
  roster.changes[0]?.resolve({ kind: 'settled' });
  await expect.poll(() => deployment.roll).toBeNull();
});

it('goes on telling that a change was given up in the middle', async () => {
  const { deployment, roster, files } = await setUp(() => planOf(seat('e0', 0)));
  files.push({ replicas: '1' });
  await deployment.reload();
  const failure = { code: 'x', message: 'vLLM does not know --foo', remedy: 'Leave it out.', retry: 'never' } as const;
  roster.changes[0]?.resolve({ kind: 'held', engineId: 'e0', failure });
  await expect
    .poll(() => deployment.roll?.held)
    .toBe('e0 does not start with it, and the others were left as they are: vLLM does not know --foo. Leave it out.');
  expect((await deployment.reload()).changes).toEqual([]);
  expect([roster.changes.length, deployment.roll?.held]).toEqual([2, null]);
});

it('changes nothing when the new settings cannot be planned, or while something is being installed', async () => {
  const { deployment, roster, files, prepare } = await setUp(() => new Refusal('unavailable', 'Nothing fits.'));
  const before = deployment.options;
  files.push({ replicas: '9', drainSeconds: '1' });
  await expect(deployment.reload()).rejects.toThrow('Nothing fits.');
  prepare();
  await expect(deployment.reload()).rejects.toThrow('Chorus is still installing or downloading');
  expect([deployment.options, roster.told]).toEqual([before, []]);
});

it('takes a card out of use at once and plans around it, and replicas on other cards stay', async () => {
  const { deployment, roster, limits } = await setUp(({ survivors }) => planOf(...survivors, seat('e9', 2)));
  await deployment.cordon(FAULT);
  expect(deployment.cordoned).toEqual([{ ...FAULT, sinceMs: 1000, hasRecovered: false }]);
  expect(limits).toEqual([{ cordoned: deployment.cordoned, survivors: [seat('e0', 0)] }]);
  const failure = { code: 'xid_79', message: FAULT.sentence.slice(0, -1), remedy: FAULT.remedy, retry: 'never' };
  expect(roster.told).toEqual([
    ['cordon', ['GPU-1'], failure],
    ['reconcile', ['e0:0', 'e2:2'], { engineArguments: [] }, 30_000],
  ]);
  expect(deployment.roll?.reason).toBe('GPU 1 is out of use');
});

it('keeps the plan where nothing is left to plan with', async () => {
  const { deployment, roster } = await setUp(() => new Refusal('unavailable', 'No usable GPU.'));
  await deployment.cordon(FAULT);
  expect(deployment.plan.placements.map(({ engineId }) => engineId)).toEqual(['e0', 'e1']);
  expect(roster.told.length).toBe(1);
});

it('takes cards back at a reload, not by themselves', async () => {
  const { deployment, roster, forgiven, limits } = await setUp(({ cordoned, survivors }) =>
    cordoned.length > 0 ? planOf(...survivors) : planOf(seat('e8', 0), seat('e9', 1)),
  );
  await deployment.cordon(FAULT);
  deployment.noteRecovery(FAULT);
  expect(deployment.cordoned).toMatchObject([{ uuid: 'GPU-1', hasRecovered: true }]);
  expect((await deployment.reload()).uncordoned).toEqual([1]);
  // What was squeezed together without the card is spread again.
  expect(limits.at(-1)).toEqual({ cordoned: [], survivors: [] });
  expect([deployment.cordoned, forgiven]).toEqual([[], ['GPU-1']]);
  expect(roster.told.slice(2)).toEqual([
    ['uncordon', ['GPU-1']],
    ['reconcile', ['e0:0', 'e1:1'], expect.anything(), 30_000],
  ]);
  expect(deployment.roll?.reason).toBe('cards are used again');
});

it('keeps out a card that fails while a reload is being planned', async () => {
  const { deployment, files } = await setUp(({ cordoned, survivors }) => {
    if (cordoned.length === 0) void deployment.cordon(FAULT);
    return planOf(...survivors, seat('e9', 0));
  });
  files.push({ replicas: '1' });
  expect((await deployment.reload()).uncordoned).toEqual([]);
  await expect.poll(() => deployment.roll?.reason).toBe('GPU 1 is out of use');
  expect(deployment.cordoned).toMatchObject([{ uuid: 'GPU-1' }]);
});
