import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { KeyRing } from '../../src/access/key-ring.ts';
import { duration } from '../../src/access/rate-headers.ts';
import { RateLimits } from '../../src/access/rate-limits.ts';
import type { Caller } from '../../src/domain/caller.ts';
import { CodedError } from '../../src/domain/errors.ts';
import { NO_LIMITS, type Limits } from '../../src/domain/limits.ts';
import { systemClock } from '../../src/system/clock.ts';

const MINUTE_MS = 60_000;

let keys: KeyRing;
beforeEach(() => {
  keys = new KeyRing({ stateDir: mkdtempSync(join(tmpdir(), 'chorus-limits-')), clock: systemClock });
  // The counters ask the platform for the time.
  vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'], now: 1_700_000_000_000 });
});
afterEach(async () => {
  vi.useRealTimers();
  await keys.close();
});

const limitsOf = (defaults: Partial<Limits>): RateLimits => new RateLimits(keys, { ...NO_LIMITS, ...defaults });
const someone: Caller = { project: 'p', keyId: null };

/** Begins a request; gives what ends it, or the refusal. */
async function begin(limits: RateLimits, caller = someone): Promise<() => void> {
  let end = (): void => expect.fail('nobody said how it ends');
  await limits.admit(caller, (onEnd) => (end = onEnd));
  return end;
}

async function refusal(limits: RateLimits, caller = someone): Promise<CodedError | null> {
  try {
    await begin(limits, caller);
    return null;
  } catch (error) {
    return error instanceof CodedError ? error : expect.fail(String(error));
  }
}

async function keyWith(limits: Partial<Limits>, name: string, project = 'p'): Promise<Caller> {
  vi.useRealTimers();
  const { id } = await keys.create({ name, project, limits });
  vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'], now: 1_700_000_000_000 });
  return { project, keyId: id };
}

describe('requests a minute', () => {
  it('never ask for a longer wait than a minute, also when the clock is set back', async () => {
    const limits = limitsOf({ requestsPerMinute: 1 });
    await begin(limits);
    vi.setSystemTime(Date.now() - 60 * MINUTE_MS);
    expect(await refusal(limits)).toMatchObject({ retryAfterSeconds: 60 });
    expect(await limits.headers(someone)).toMatchObject({ 'x-ratelimit-reset-requests': '1m0s' });
    vi.advanceTimersByTime(MINUTE_MS);
    expect(await refusal(limits)).toBe(null);
  });

  it('are refused when they are used up, with the time to wait, until the minute is over', async () => {
    const limits = limitsOf({ requestsPerMinute: 2 });
    await begin(limits);
    vi.advanceTimersByTime(1500);
    await begin(limits);
    vi.advanceTimersByTime(MINUTE_MS - 3000);
    const refused = await refusal(limits);
    expect(refused).toMatchObject({ errorName: 'rate_limited', status: 429, retryAfterSeconds: 2 });
    expect(refused?.message).toBe(
      'Rate limit reached for this project (requests a minute: 2). Please try again in 1.5s.',
    );
    vi.advanceTimersByTime(1500);
    expect(await refusal(limits)).toBeNull();
  });

  it('come back with the time, also where the event loop was too busy to notice', async () => {
    const limits = limitsOf({ requestsPerMinute: 1 });
    await begin(limits);
    // The time moves, and no timer runs.
    vi.setSystemTime(Date.now() + MINUTE_MS);
    expect(await limits.headers(someone)).toMatchObject({
      'x-ratelimit-remaining-requests': '1',
      'x-ratelimit-reset-requests': '0s',
    });
    expect(await refusal(limits)).toBeNull();
  });

  it('are not used up by requests that are refused', async () => {
    const limits = limitsOf({ requestsPerMinute: 1, concurrent: 2 });
    await begin(limits);
    for (let times = 0; times < 5; times++) expect(await refusal(limits)).not.toBeNull();
    limits.refresh({ ...NO_LIMITS, requestsPerMinute: 2 });
    expect(await refusal(limits)).toBeNull();
  });

  it('count for the key and for its project, and a refusal of one costs the other nothing', async () => {
    const limits = limitsOf({ requestsPerMinute: 3 });
    const [narrow, wide] = [await keyWith({ requestsPerMinute: 1 }, 'narrow'), await keyWith({}, 'wide')];
    await begin(limits, narrow);
    expect((await refusal(limits, narrow))?.message).toContain('for this key (requests a minute: 1)');
    await begin(limits, wide);
    await begin(limits, wide);
    expect((await refusal(limits, wide))?.message).toContain('for this project (requests a minute: 3)');
  });

  it('are waited for until both the key and the project have some again', async () => {
    const limits = limitsOf({ requestsPerMinute: 1 });
    const [caller, other] = [await keyWith({ requestsPerMinute: 1 }, 'ci'), await keyWith({}, 'other', 'q')];
    await begin(limits, caller);
    vi.advanceTimersByTime(20_000);
    expect(await refusal(limits, other)).toBeNull();
    expect(await refusal(limits, { project: 'q', keyId: caller.keyId })).toMatchObject({ retryAfterSeconds: 60 });
  });

  it('are not taken twice by requests that come at the same moment', async () => {
    const limits = limitsOf({ requestsPerMinute: 3 });
    const refusals = await Promise.all(Array.from({ length: 8 }, () => refusal(limits)));
    expect(refusals.filter((one) => one === null)).toHaveLength(3);
  });
});

describe('tokens a minute', () => {
  it('are charged by what a turn has used, and refuse the next when they are used up', async () => {
    const limits = limitsOf({ tokensPerMinute: 100 });
    limits.charge({ caller: someone, inputTokens: 60, outputTokens: 39 });
    expect(await refusal(limits)).toBeNull();
    limits.charge({ caller: someone, inputTokens: 0, outputTokens: 1 });
    vi.advanceTimersByTime(MINUTE_MS - 120);
    expect((await refusal(limits))?.message).toBe(
      'Rate limit reached for this project (tokens a minute: 100). Please try again in 120ms.',
    );
    vi.advanceTimersByTime(120);
    expect(await refusal(limits)).toBeNull();
  });

  it('of another project are not touched', async () => {
    const limits = limitsOf({ tokensPerMinute: 10 });
    limits.charge({ caller: someone, inputTokens: 10, outputTokens: 10 });
    expect(await refusal(limits, { project: 'other', keyId: null })).toBeNull();
  });
});

describe('requests at once', () => {
  it('count until they end, however many minutes that takes', async () => {
    const limits = limitsOf({ concurrent: 1 });
    const end = await begin(limits);
    vi.advanceTimersByTime(3 * MINUTE_MS);
    const refused = await refusal(limits);
    expect(refused).toMatchObject({ retryAfterSeconds: 1 });
    expect(refused?.message).toContain('(requests at once: 1). Please try again in 1s.');
    end();
    expect(await refusal(limits)).toBeNull();
  });

  it('count a refused one until its answer has gone, and no longer', async () => {
    const limits = limitsOf({ requestsPerMinute: 1, concurrent: 2 });
    const first = await begin(limits);
    const ends: (() => void)[] = [];
    await expect(limits.admit(someone, (onEnd) => ends.push(onEnd))).rejects.toThrow('requests a minute');
    for (const end of [first, ...ends]) end();
    limits.refresh({ ...NO_LIMITS, concurrent: 1 });
    expect(await refusal(limits)).toBeNull();
  });
});

describe('limits of a project of its own', () => {
  it('stand in the place of those of the settings, each for each', async () => {
    vi.useRealTimers();
    await keys.limitProject('p', { requestsPerMinute: 5 });
    const limits = limitsOf({ requestsPerMinute: 1, concurrent: 7 });
    expect(await limits.headers(someone)).toMatchObject({ 'x-ratelimit-limit-requests': '5' });
    expect(await limits.headers({ project: 'constructor', keyId: null })).toMatchObject({
      'x-ratelimit-limit-requests': '1',
    });
    await keys.limitProject('p', {});
    expect(await limits.headers(someone)).toMatchObject({ 'x-ratelimit-limit-requests': '1' });
  });
});

describe('the headers', () => {
  it('say what is left of the tightest limit, and until when', async () => {
    const caller = await keyWith({ requestsPerMinute: 2 }, 'ci');
    const limits = limitsOf({ requestsPerMinute: 100, tokensPerMinute: 1000 });
    await begin(limits, caller);
    limits.charge({ caller, inputTokens: 300, outputTokens: 100 });
    vi.advanceTimersByTime(500);
    expect(await limits.headers(caller)).toEqual({
      'x-ratelimit-limit-requests': '2',
      'x-ratelimit-limit-tokens': '1000',
      'x-ratelimit-remaining-requests': '1',
      'x-ratelimit-remaining-tokens': '600',
      'x-ratelimit-reset-requests': '59.5s',
      'x-ratelimit-reset-tokens': '59.5s',
    });
  });

  it('are none for a caller without limits', async () => {
    const limits = limitsOf({});
    expect([limits.isActive, await limits.headers(someone)]).toEqual([false, null]);
    const caller = await keyWith({ concurrent: 3 }, 'ci');
    limits.refresh();
    expect([limits.isActive, await limits.headers(someone)]).toEqual([true, null]);
    expect(await limits.headers(caller)).toMatchObject({ 'x-ratelimit-remaining-tokens': '1000000000' });
  });

  it.each([
    [0, '0s'],
    [0.2, '1ms'],
    [120, '120ms'],
    [1000, '1s'],
    [1500, '1.5s'],
    [60_000, '1m0s'],
    [360_000, '6m0s'],
    [61_001, '1m1.001s'],
  ])('write %d ms as %s', (ms, text) => {
    expect(duration(ms)).toBe(text);
  });
});
