import { afterEach, describe, expect, it } from 'vitest';
import { type EngineBench, QUICK_POLICY, startBench } from '../support/engine-bench.ts';

let bench: EngineBench;
const begin = (flags: readonly string[], policy = QUICK_POLICY): EngineBench => (bench = startBench(flags, policy));

afterEach(async () => {
  await bench.close();
});

describe('an engine whose requests stand still', () => {
  it('is ejected although /health says 200, its streams are ended, and it is replaced', async () => {
    const { engine, rotation, events, reached } = begin(['--freeze', '--once', 'STATE/first']);
    await engine.start();
    rotation.activityNow = { awaiting: 2, reads: 7 };
    await reached('unhealthy');
    const reason = 'it made no progress for \\d+ ms, with 2 requests in flight, although its /health says 200';
    expect(engine.status.sentence).toMatch(new RegExp(`^out of rotation: ${reason}$`));
    expect(rotation.calls.map((call) => call.split(' ')[0])).toEqual(['admit', 'withdraw', 'closeStreams']);
    expect(rotation.calls).not.toContain('died e0 #1');
    rotation.activityNow = { awaiting: 0, reads: 7 };
    await reached('ready', 2);
    expect(engine.status.lastFailure).toMatchObject({
      code: 'stalled',
      message: expect.stringMatching(reason) as string,
    });
    expect(events.map(({ kind }) => kind)).toEqual(['started', 'ready', 'ejected', 'restarting', 'started', 'ready']);
    expect(events[2]).toMatchObject({ cause: 'stalled', reason: expect.stringMatching(reason) as string });
    expect(events[3]).toMatchObject({ failureClass: 'hang', code: 'stalled' });
    // It hung until it was replaced: that may be the doing of what it ran.
    expect(rotation.calls).toContain('died e0 #1');
  });

  it('stays where Chorus itself stood still, and reads what has come meanwhile only after its look', async () => {
    const { engine, rotation } = begin(['--freeze']);
    await engine.start();
    let [reads, looks] = [7, 0];
    rotation.activity = () => {
      const before = { awaiting: 1, reads };
      if (++looks === 3) {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2 * QUICK_POLICY.stallDeadlineMs);
        setImmediate(() => reads++);
      } else if (looks > 3) reads++;
      return before;
    };
    await expect.poll(() => looks, { timeout: 10_000 }).toBeGreaterThan(10);
    expect(rotation.calls).toEqual(['admit e0 #1']);
  });

  it('stays while its metrics show that it works, however long no token comes', async () => {
    const { engine, rotation, log } = begin(['--busy']);
    await engine.start();
    rotation.activityNow = { awaiting: 1, reads: 7 };
    const looks = 2 * (QUICK_POLICY.stallDeadlineMs / QUICK_POLICY.healthIntervalMs);
    const lookedAt = (): number => log().split('metrics asked').length - 1;
    await expect.poll(lookedAt, { timeout: 10_000 }).toBeGreaterThan(looks);
    expect(engine.status.phase).toBe('ready');
    expect(rotation.calls).toEqual(['admit e0 #1']);
  });

  it('is not asked for its metrics while tokens come', async () => {
    const { engine, rotation, log } = begin(['--busy']);
    await engine.start();
    let [reads, looks] = [0, 0];
    rotation.activity = () => ({ awaiting: 1, reads: (looks++, ++reads) });
    await expect.poll(() => looks, { timeout: 10_000 }).toBeGreaterThan(10);
    expect(log()).not.toContain('metrics asked');
  });
});

describe('an engine that freezes while nobody asks anything of it', () => {
  it('is found by a canary before the next request is', async () => {
    const { engine, events, reached } = begin(['--freeze', '--once', 'STATE/first'], {
      ...QUICK_POLICY,
      canaryIdleMs: 100,
      canaryTimeoutMs: 150,
    });
    await engine.start();
    await reached('ready', 2);
    expect(events[2]).toMatchObject({
      kind: 'ejected',
      cause: 'no_token',
      reason: 'idle, it was asked for one token: it did not answer within 0.15 s',
    });
    expect(engine.status.lastFailure).toMatchObject({ code: 'unhealthy' });
  });
});
