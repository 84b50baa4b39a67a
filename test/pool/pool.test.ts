import { describe, expect, it } from 'vitest';
import { Pool } from '../../src/pool/pool.ts';
import type { Need, Outlook } from '../../src/pool/select.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { aReplica } from '../support/replicas.ts';

const need: Need = { model: 'gpt-oss-20b', promptTokens: 10, outputTokens: 1, exclude: new Set(), isSuspect: false };
const never = new AbortController().signal;

function setUp(outlook: Outlook = { mayBecomeReady: true, othersMayCome: true, leftMs: null, sentence: 'e0 loads.' }) {
  const clock = new FakeClock();
  const state = { outlook };
  const ended: string[] = [];
  const pool = new Pool({
    clock,
    loadingWaitMs: 5000,
    outlook: () => state.outlook,
    onEngineEnded: (key) => ended.push(key),
  });
  return { clock, pool, state, ended };
}

describe('Pool', () => {
  it('spreads requests over the replicas by what is in flight', async () => {
    const { pool } = setUp();
    pool.admit(aReplica({ engineId: 'e0' }));
    pool.admit(aReplica({ engineId: 'e1' }));
    const first = await pool.acquire(need, never);
    const second = await pool.acquire(need, never);
    first.release();
    const third = await pool.acquire(need, never);
    expect([first, second, third].map(({ replica }) => replica.engineId)).toEqual(['e0', 'e1', 'e0']);
  });

  it('lets a request wait for the first replica', async () => {
    const { pool, clock } = setUp();
    const waiting = pool.acquire(need, never);
    pool.admit(aReplica());
    expect((await waiting).replica.engineId).toBe('e0');
    expect(clock.pendingTimers).toBe(0);
  });

  it('answers 503 with Retry-After when no replica comes in time', async () => {
    const { pool, clock } = setUp();
    const waiting = pool.acquire(need, never);
    clock.advance(5000);
    await expect(waiting).rejects.toMatchObject({ errorName: 'still_loading', retryAfterSeconds: 10 });
  });

  it.each([
    ['what earlier starts tell', 42_300, 43],
    ['a second when the estimate has run out', 0, 1],
    ['at most ten minutes', 3_600_000, 600],
  ])('tells to come back after %s', async (_, leftMs, retryAfterSeconds) => {
    const { pool, clock } = setUp({ mayBecomeReady: true, othersMayCome: true, leftMs, sentence: 'e0 loads.' });
    const waiting = pool.acquire(need, never);
    clock.advance(5000);
    await expect(waiting).rejects.toMatchObject({ errorName: 'still_loading', retryAfterSeconds });
  });

  const inRotation: Outlook = { mayBecomeReady: true, othersMayCome: false, leftMs: null, sentence: '1 of 1.' };
  const failedOnce: Need = { ...need, exclude: new Set(['e0#0']) };

  it('keeps a request of a lone replica that has crashed for its restart', async () => {
    const { pool, clock, state } = setUp(inRotation);
    pool.admit(aReplica());
    const waiting = pool.acquire(failedOnce, never);
    clock.advance(1900);
    state.outlook = { ...inRotation, othersMayCome: true };
    pool.withdraw('e0', 'its process ended');
    clock.advance(3000);
    pool.admit(aReplica({ generation: 1 }));
    expect((await waiting).replica.generation).toBe(1);
    expect(clock.pendingTimers).toBe(0);
  });

  it('refuses a request that every replica has failed when nothing is heard of them for two seconds', async () => {
    const { pool, clock } = setUp(inRotation);
    pool.admit(aReplica());
    const waiting = pool.acquire(failedOnce, never);
    clock.advance(1999);
    expect(clock.pendingTimers).toBe(2);
    clock.advance(1);
    await expect(waiting).rejects.toMatchObject({ errorName: 'no_replica' });
    expect(clock.pendingTimers).toBe(0);
  });

  it('names the replica with the largest context among those in rotation', () => {
    const { pool } = setUp();
    pool.admit(aReplica({ engineId: 'e0', maxModelLen: 4096 }));
    pool.admit(aReplica({ engineId: 'e1', maxModelLen: 16_384 }));
    pool.admit(aReplica({ engineId: 'e2', maxModelLen: 8192 }));
    expect(pool.anyReady()?.engineId).toBe('e1');
    pool.withdraw('e1', 'it is being stopped');
    expect(pool.anyReady('gpt-oss-20b')?.engineId).toBe('e2');
    expect(pool.anyReady('gpt-oss-120b')).toBe(null);
  });

  it('gives up waiting as soon as the outlook is hopeless', async () => {
    const { pool, state } = setUp();
    const waiting = pool.acquire(need, never);
    state.outlook = {
      mayBecomeReady: false,
      othersMayCome: false,
      leftMs: null,
      sentence: 'The model folder is missing.',
    };
    pool.reconsider();
    await expect(waiting).rejects.toMatchObject({
      errorName: 'no_replica',
      message: expect.stringContaining('The model folder is missing.'),
    });
  });

  it('forgets a waiting request whose client left', async () => {
    const { pool, clock } = setUp();
    const client = new AbortController();
    const waiting = pool.acquire(need, client.signal);
    client.abort(new Error('left'));
    await expect(waiting).rejects.toThrow('left');
    pool.admit(aReplica());
    expect(pool.view()).toEqual([
      { engineId: 'e0', endpoint: aReplica().endpoint, inFlight: 0, served: 0, withdrawn: null },
    ]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('gives no new request to a withdrawn replica and says when its running ones are done', async () => {
    const { pool } = setUp();
    pool.admit(aReplica());
    const lease = await pool.acquire(need, never);
    pool.withdraw('e0', 'draining');
    const settled: string[] = [];
    const idle = pool.whenIdle('e0').then(() => settled.push('idle'));
    const waiting = pool.acquire(need, never).then(() => settled.push('leased'));
    await Promise.resolve();
    expect(settled).toEqual([]);
    lease.release();
    await idle;
    expect(settled).toEqual(['idle']);
    pool.admit(aReplica({ generation: 1 }));
    await waiting;
    expect(settled).toEqual(['idle', 'leased']);
  });

  it('asks every holder of a lease to end its stream when streams are closed', async () => {
    const { pool } = setUp();
    pool.admit(aReplica());
    const lease = await pool.acquire(need, never);
    const reasons: string[] = [];
    lease.onClose = (_cause, reason) => {
      reasons.push(reason);
      lease.release();
    };
    pool.closeStreams('e0', 'closed', 'the engine stops');
    await pool.whenIdle('e0');
    expect(reasons).toEqual(['the engine stops']);
  });

  it('gives a replica one suspect at a time, and others beside it; the next suspect waits', async () => {
    const { pool } = setUp();
    pool.admit(aReplica());
    const suspect = { ...need, isSuspect: true };
    const first = await pool.acquire(suspect, never);
    const ordinary = await pool.acquire(need, never);
    let isGiven = false;
    const second = pool.acquire(suspect, never).then((lease) => {
      isGiven = true;
      return lease;
    });
    ordinary.release();
    await Promise.resolve();
    expect([ordinary.replica.engineId, isGiven]).toEqual(['e0', false]);
    first.release();
    expect((await second).replica.engineId).toBe('e0');
    pool.admit(aReplica({ engineId: 'e1' }));
    expect((await pool.acquire(suspect, never)).replica.engineId).toBe('e1');
  });

  it('says which start of an engine has ended by itself', () => {
    const { pool, ended } = setUp();
    pool.admit(aReplica());
    pool.died('e0', 3);
    expect(ended).toEqual(['e0#3']);
  });

  it('tells the activity of an engine over all its starts: reads, and requests that wait for it', async () => {
    const { pool } = setUp();
    expect(pool.activity('e0')).toEqual({ awaiting: 0, reads: 0 });
    pool.admit(aReplica());
    const [lease, other] = [await pool.acquire(need, never), await pool.acquire(need, never)];
    lease.noteRead();
    lease.noteRead();
    other.waitsForClient = true;
    expect(pool.activity('e0')).toEqual({ awaiting: 1, reads: 2 });
    lease.release();
    pool.admit(aReplica({ generation: 1 }));
    (await pool.acquire(need, never)).noteRead();
    expect(pool.activity('e0')).toEqual({ awaiting: 1, reads: 3 });
  });

  it('forgets an engine that is gone for good, and takes back what was leased of it', async () => {
    const { pool } = setUp();
    pool.admit(aReplica());
    const lease = await pool.acquire(need, never);
    pool.remove('e0');
    expect([pool.view(), pool.anyReady()]).toEqual([[], null]);
    lease.release();
    pool.admit(aReplica({ generation: 1 }));
    expect(pool.view()).toEqual([
      { engineId: 'e0', endpoint: aReplica().endpoint, inFlight: 0, served: 0, withdrawn: null },
    ]);
  });

  it('counts a lease that is released twice once', async () => {
    const { pool } = setUp();
    pool.admit(aReplica());
    const lease = await pool.acquire(need, never);
    await pool.acquire(need, never);
    lease.release();
    lease.release();
    expect(pool.view()[0]?.inFlight).toBe(1);
  });

  it.each([
    ['again after it was unhealthy', 0],
    ['after a restart', 1],
  ])('still reaches the streams of a replica that is admitted %s', async (_, generation) => {
    const { pool } = setUp();
    pool.admit(aReplica());
    const lease = await pool.acquire(need, never);
    const settled: string[] = [];
    lease.onClose = (_cause, reason) => settled.push(reason);
    pool.withdraw('e0', 'it does not answer');
    pool.admit(aReplica({ generation }));
    expect(pool.view()).toEqual([
      { engineId: 'e0', endpoint: aReplica().endpoint, inFlight: 1, served: 1, withdrawn: null },
    ]);
    const idle = pool.whenIdle('e0').then(() => settled.push('idle'));
    pool.closeStreams('e0', 'closed', 'the engine stops');
    await Promise.resolve();
    expect(settled).toEqual(['the engine stops']);
    lease.release();
    await idle;
    expect(settled).toEqual(['the engine stops', 'idle']);
    expect((await pool.acquire(need, never)).replica.generation).toBe(generation);
  });
});
