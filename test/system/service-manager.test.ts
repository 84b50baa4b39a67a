import { describe, expect, it } from 'vitest';
import type { Notification } from '../../src/system/notify-channel.ts';
import { ServiceManager, type ServiceReport } from '../../src/system/service-manager.ts';
import { FakeClock } from '../support/fake-clock.ts';

const LOADING: ServiceReport = { ready: false, mayBecomeReady: true, sentence: 'engine-0: loading.' };
const READY: ServiceReport = { ready: true, mayBecomeReady: true, sentence: '1 of 1 replicas in rotation.' };
const FAILED: ServiceReport = { ready: false, mayBecomeReady: false, sentence: 'engine-0: failed.' };
const MORE_TIME = '90000000';

function setUp({ watchdogMs = null }: { watchdogMs?: number | null } = {}) {
  const clock = new FakeClock();
  const server = { report: LOADING, isAlive: true };
  const sent: Notification[] = [];
  const manager = new ServiceManager({
    clock,
    channel: { send: (message) => void sent.push(message), settled: () => Promise.resolve() },
    report: () => server.report,
    isAlive: () => server.isAlive,
    watchdogMs,
    monotonicUsec: () => 12_345n,
  });
  const become = (report: ServiceReport): void => {
    server.report = report;
    manager.changed();
  };
  /** What was sent since the last call. */
  const said = (): Notification[] => sent.splice(0);
  said();
  return { clock, manager, server, become, said };
}

function serving() {
  const all = setUp();
  all.become(READY);
  all.said();
  return all;
}

describe('a start', () => {
  it('asks for more time as long as there is hope', () => {
    const { clock, become, said } = setUp();
    clock.advance(20_000);
    expect(said()).toEqual([{ EXTEND_TIMEOUT_USEC: MORE_TIME, STATUS: 'engine-0: loading.' }]);
    become(FAILED);
    expect(said()).toEqual([{ STATUS: 'engine-0: failed.' }]);
    clock.advance(300_000);
    expect(said()).toEqual([]);
  });

  it('is over when a replica is ready, at once and once', () => {
    const { clock, become, said } = setUp();
    become({ ...LOADING, sentence: '99 %' });
    become(READY);
    expect(said()).toEqual([{ STATUS: '99 %' }, { READY: '1', STATUS: '1 of 1 replicas in rotation.' }]);
    clock.advance(1000);
    become(FAILED);
    clock.advance(1000);
    become(READY);
    clock.advance(60_000);
    expect(said()).toEqual([{ STATUS: 'engine-0: failed.' }, { STATUS: '1 of 1 replicas in rotation.' }]);
  });
});

it('tells its progress at most once a second, the last word included', () => {
  const { clock, become, said } = setUp();
  for (const percent of [1, 2, 3, 4]) become({ ...LOADING, sentence: `${percent} %` });
  expect(said()).toEqual([{ STATUS: '1 %' }]);
  clock.advance(1000);
  expect(said()).toEqual([{ STATUS: '4 %' }]);
  clock.advance(1000);
  expect(said()).toEqual([]);
});

describe('a reload', () => {
  it('begins with the time at which it began, and ends with READY', () => {
    const { manager, said } = serving();
    manager.reloading();
    manager.reloaded('2 settings apply.');
    expect(said()).toEqual([
      { RELOADING: '1', MONOTONIC_USEC: '12345' },
      { READY: '1', STATUS: '2 settings apply.' },
    ]);
  });

  it('is not told of a server that is not ready yet, whose READY would come too early', () => {
    const { manager, said } = setUp();
    manager.reloading();
    manager.reloaded('2 settings apply.');
    expect(said()).toEqual([]);
  });
});

it('asks for the time that a stop takes, and speaks no more of engines', () => {
  const { clock, manager, become, said } = serving();
  manager.stopping(60_000, 'Stopping.');
  become(FAILED);
  clock.advance(60_000);
  expect(said()).toEqual([{ STOPPING: '1', EXTEND_TIMEOUT_USEC: '60000000', STATUS: 'Stopping.' }]);
});

describe('the watchdog', () => {
  it('is fed twice as often as it wants, as long as the control loop moves', () => {
    const { clock, server, become, said } = setUp({ watchdogMs: 30_000 });
    become(READY);
    said();
    clock.advance(30_000);
    expect(said()).toEqual([{ WATCHDOG: '1' }, { WATCHDOG: '1' }]);
    server.isAlive = false;
    clock.advance(60_000);
    expect(said()).toEqual([]);
    server.isAlive = true;
    clock.advance(15_000);
    expect(said()).toEqual([{ WATCHDOG: '1' }]);
  });

  it('is fed during a stop too', () => {
    const { clock, manager, said } = setUp({ watchdogMs: 20_000 });
    manager.stopping(60_000, 'Stopping.');
    said();
    clock.advance(10_000);
    expect(said()).toEqual([{ WATCHDOG: '1' }]);
  });
});

it('leaves no timer behind', async () => {
  const { clock, manager, become } = setUp({ watchdogMs: 30_000 });
  become(READY);
  await manager.close();
  expect(clock.pendingTimers).toBe(0);
});
