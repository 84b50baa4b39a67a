import { expect, it } from 'vitest';
import { TurnEnds } from '../../src/ledger/turn-ends.ts';
import type { StoreOptions } from '../../src/store/open-response-store.ts';
import type { UsageRow } from '../../src/store/usage-ledger.ts';
import type { TurnReport } from '../../src/turn/turn-report.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { openStore } from '../support/store-bench.ts';

const REPORT: TurnReport = {
  id: 'chatcmpl_1',
  api: 'chat',
  caller: { project: 'alpha', keyId: 'key_1' },
  model: 'gpt-oss-20b',
  isStream: true,
  outcome: 'completed',
  error: null,
  isSimulated: true,
  inputTokens: 100,
  cachedTokens: 64,
  outputTokens: 20,
  reasoningTokens: 5,
  firstOutputMs: 30.4,
  durationMs: 400.6,
};

async function setUp(options: Partial<StoreOptions> = {}) {
  const store = await openStore(options);
  const [told, lost]: [TurnReport[], unknown[]] = [[], []];
  const clock = new FakeClock();
  const turnEnds = new TurnEnds({
    clock,
    listeners: [(report) => void told.push(report)],
    ledger: store.usage,
    isSimulated: () => false,
    onRowLost: (error) => void lost.push(error),
  });
  const rows = async () => {
    const filter = { sinceMs: null, untilMs: null, project: null, keyId: null };
    return (await store.usage.page({ filter, after: 0, limit: 10 })).rows;
  };
  return { store, clock, turnEnds, told, lost, rows };
}

it('tells of a turn and has its row on the disk when it resolves', async () => {
  const { turnEnds, told, rows, clock } = await setUp();
  await turnEnds.ended(REPORT);
  expect(told).toEqual([REPORT]);
  expect(await rows()).toEqual([
    {
      position: 1,
      id: 'chatcmpl_1',
      endedAtMs: clock.nowMs(),
      project: 'alpha',
      keyId: 'key_1',
      api: 'chat',
      model: 'gpt-oss-20b',
      isStream: true,
      outcome: 'completed',
      error: null,
      isSimulated: true,
      inputTokens: 100,
      cachedTokens: 64,
      outputTokens: 20,
      reasoningTokens: 5,
      firstOutputMs: 30,
      durationMs: 401,
    },
  ]);
});

it('goes on where the row cannot be written, and tells of that', async () => {
  const { store, turnEnds, told, lost } = await setUp();
  await store.close();
  await turnEnds.ended(REPORT);
  expect(told).toEqual([REPORT]);
  expect(lost).toMatchObject([{ code: 'closed' }]);
});

it('loses rows, and holds up nobody, on a disk that is full', async () => {
  const { turnEnds, told, lost } = await setUp({ maxFileBytes: 300_000 });
  let ended = 0;
  for (; lost.length === 0 && ended < 10_000; ended += 200) {
    await Promise.all(
      Array.from({ length: 200 }, (_, index) => turnEnds.ended({ ...REPORT, id: `r${ended + index}` })),
    );
  }
  expect(lost[0]).toMatchObject({ code: 'disk_full' });
  expect(told.length).toBe(ended);
});

it('leaves the row to what is kept with it, and tells of the turn after that', async () => {
  const { turnEnds, told, rows, lost } = await setUp();
  const kept: UsageRow[] = [];
  await turnEnds.endedWith(REPORT, async (row) => {
    expect(told).toEqual([]);
    kept.push(row);
  });
  expect(kept).toMatchObject([{ id: 'chatcmpl_1', project: 'alpha' }]);
  expect(told).toEqual([REPORT]);
  expect(await rows()).toEqual([]);
  const refused = turnEnds.endedWith(REPORT, () => Promise.reject(new Error('full')));
  await expect(refused).rejects.toThrow('full');
  expect([told.length, lost.length]).toEqual([1, 0]);
});

it("has the simulator's answers told from others, and turns that no engine was given by who would have answered", async () => {
  const { turnEnds, rows } = await setUp();
  await turnEnds.ended({ ...REPORT, id: 'a', isSimulated: true });
  await turnEnds.ended({ ...REPORT, id: 'b', isSimulated: false });
  await turnEnds.ended({ ...REPORT, id: 'c', isSimulated: null });
  expect((await rows()).map(({ isSimulated }) => isSimulated)).toEqual([true, false, false]);
});
