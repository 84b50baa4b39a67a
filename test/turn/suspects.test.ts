import { setImmediate as nextLoopTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { SUSPICION_MS, Suspects } from '../../src/turn/suspects.ts';
import { FakeClock } from '../support/fake-clock.ts';

const { signal } = new AbortController();

function setUp() {
  const clock = new FakeClock();
  const suspects = new Suspects(clock);
  /** Requests are sent once more, break off on this engine, which has ended, and are given up. */
  const end = (run: string, ...hashes: readonly string[]): void => {
    for (const hash of hashes) {
      const trial = suspects.trial(() => hash);
      trial.verdict();
      void trial.brokeOff({ run, isPlanned: false }, signal);
      trial.ended(false);
    }
    suspects.engineEnded(run);
  };
  const verdict = (hash: string): string => suspects.trial(() => hash).verdict();
  return { clock, suspects, end, verdict };
}

it('a request is not even hashed as long as nothing breaks', () => {
  const { suspects } = setUp();
  const trial = suspects.trial(() => expect.fail('hashed'));
  suspects.engineEnded('e0#0');
  expect(trial.verdict()).toBe('free');
  trial.ended(true);
});

it('a guilty request is forgotten ten minutes after the last end, and no timer is left', async () => {
  const { clock, end, verdict } = setUp();
  end('e0#0', 'poison');
  end('e1#0', 'poison');
  expect(verdict('poison')).toBe('guilty');
  clock.advance(SUSPICION_MS - 1);
  expect(verdict('poison')).toBe('guilty');
  clock.advance(1);
  expect([verdict('poison'), verdict('another'), clock.pendingTimers]).toEqual(['free', 'free', 0]);
});

it('two ends that are more than ten minutes apart are two accidents', () => {
  const { clock, end, verdict } = setUp();
  end('e0#0', 'story');
  clock.advance(SUSPICION_MS);
  expect(verdict('story')).toBe('free');
  end('e1#0', 'story');
  expect(verdict('story')).toBe('free');
});

it('an answer clears one suspect, and leaves the other one alone', () => {
  const { suspects, end, verdict } = setUp();
  end('e0#0', 'poison', 'story');
  end('e1#0', 'poison', 'story');
  expect([verdict('poison'), verdict('story')]).toEqual(['apart', 'apart']);
  suspects.trial(() => 'story').ended(true);
  expect([verdict('poison'), verdict('story')]).toEqual(['guilty', 'free']);
});

it('what is asked about a second break is known once the engine ended, or in ten seconds', async () => {
  const { clock, suspects } = setUp();
  const trial = suspects.trial(() => 'story');
  expect(await trial.brokeOff({ run: 'e0#0', isPlanned: false }, signal)).toBe('free');
  const unknown = trial.brokeOff({ run: 'e1#0', isPlanned: false }, signal);
  clock.advance(10_000);
  expect(await unknown).toBe('free');
  const known = trial.brokeOff({ run: 'e2#0', isPlanned: false }, signal);
  suspects.engineEnded('e2#0');
  suspects.engineEnded('e0#0');
  clock.advance(250);
  expect(await known).toBe('guilty');
  expect(clock.pendingTimers).toBe(0);
});

it('who else was there is waited for, also where the end of the engine is known first', async () => {
  const { clock, suspects, end } = setUp();
  end('e0#0', 'poison', 'story');
  const brokeOff = (hash: string) => {
    const trial = suspects.trial(() => hash);
    trial.verdict();
    return trial.brokeOff({ run: 'e1#0', isPlanned: false }, signal);
  };
  const poison = brokeOff('poison');
  suspects.engineEnded('e1#0');
  await nextLoopTurn();
  const story = brokeOff('story');
  clock.advance(250);
  expect(await Promise.all([poison, story])).toEqual(['apart', 'apart']);
});

it('a client that leaves meanwhile is not kept waiting', async () => {
  const { clock, suspects } = setUp();
  const client = new AbortController();
  const trial = suspects.trial(() => 'story');
  await trial.brokeOff({ run: 'e0#0', isPlanned: false }, client.signal);
  const second = trial.brokeOff({ run: 'e1#0', isPlanned: false }, client.signal);
  client.abort();
  expect(await second).toBe('free');
  expect(clock.pendingTimers).toBe(0);
});

it('a stream that was closed on this side counts only where the engine had ended before', async () => {
  const { clock, suspects } = setUp();
  const trial = suspects.trial(() => 'story');
  await trial.brokeOff({ run: 'e0#0', isPlanned: true }, signal);
  suspects.engineEnded('e0#0');
  suspects.engineEnded('e1#0');
  expect(await trial.brokeOff({ run: 'e1#0', isPlanned: true }, signal)).toBe('free');
  suspects.engineEnded('e2#0');
  const second = trial.brokeOff({ run: 'e2#0', isPlanned: true }, signal);
  clock.advance(250);
  expect(await second).toBe('guilty');
});

it('requests of the same content are several: what they share proves nothing, and an answer to one clears all', async () => {
  const { clock, suspects, verdict } = setUp();
  const [one, other] = [suspects.trial(() => 'story'), suspects.trial(() => 'story')];
  for (const run of ['e0#0', 'e1#0']) {
    const verdicts = [one, other].map((trial) => trial.brokeOff({ run, isPlanned: false }, signal));
    suspects.engineEnded(run);
    clock.advance(250);
    expect(await Promise.all(verdicts)).toEqual(run === 'e0#0' ? ['free', 'free'] : ['apart', 'apart']);
  }
  other.ended(true);
  expect([one.verdict(), verdict('story')]).toEqual(['free', 'free']);
});

it('all of a content are refused once one of them is guilty, also one that broke off for the first time', async () => {
  const { suspects, end, verdict } = setUp();
  const running = suspects.trial(() => 'poison');
  end('e0#0', 'poison');
  end('e1#0', 'poison');
  expect(await running.brokeOff({ run: 'e2#0', isPlanned: false }, signal)).toBe('guilty');
  expect(verdict('poison')).toBe('guilty');
});

it('of thousands the oldest are forgotten', () => {
  const { end, verdict } = setUp();
  const hashes = Array.from({ length: 1500 }, (_, index) => `request ${index}`);
  end('e0#0', 'first', ...hashes);
  expect(verdict('first')).toBe('free');
  end('e1#0', 'first', 'request 1499');
  expect([verdict('first'), verdict('request 1499')]).toEqual(['free', 'guilty']);
});
