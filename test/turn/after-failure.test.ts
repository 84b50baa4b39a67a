import { describe, expect, it } from 'vitest';
import { afterFailure, noneLeft, type Situation } from '../../src/turn/after-failure.ts';
import type { UpstreamFailure } from '../../src/upstream/token-stream.ts';

const failure = (reason: UpstreamFailure['reason']): UpstreamFailure => ({ reason, message: 'because', status: null });

const nothingYet: Situation = { attempts: 1, outputTokens: 0, lostEnd: null, obstacle: null, isSeen: false };
const inTheMiddle: Situation = { ...nothingYet, outputTokens: 40, isSeen: true };
const unmovable: Situation = { ...inTheMiddle, obstacle: 'it has a seed' };

describe('after a failed attempt a turn', () => {
  it.each(['unreachable', 'cut', 'stalled', 'engine_error', 'busy', 'closed'] as const)(
    'begins anew after %s while nothing was generated',
    (reason) => expect(afterFailure(failure(reason), nothingYet)).toEqual({ kind: 'retry' }),
  );

  it.each([true, false])('goes on where another engine can, whether somebody saw output (%s) or not', (isSeen) => {
    expect(afterFailure(failure('cut'), { ...inTheMiddle, isSeen })).toEqual({ kind: 'move' });
  });

  it('begins anew where no other engine can go on and nobody has seen anything', () => {
    expect(afterFailure(failure('cut'), { ...unmovable, isSeen: false })).toEqual({ kind: 'retry' });
  });

  it('fails, saying why, where no other engine can go on and somebody has seen output', () => {
    expect(afterFailure(failure('cut'), unmovable)).toMatchObject({
      kind: 'give_up',
      error: {
        errorName: 'engine_failed',
        status: 502,
        message:
          'The engine failed in the middle of the answer, and no other one can go on with the request: it has a seed. ' +
          'The failure: because',
      },
    });
  });

  it.each(['stop', 'length'] as const)('is finished where only the end (%s) was lost, whatever the reason', (end) => {
    const atTheEnd = { ...unmovable, attempts: 3, lostEnd: end };
    expect(afterFailure(failure('cut'), atTheEnd)).toEqual({ kind: 'finish', finishReason: end });
  });

  it.each([nothingYet, inTheMiddle])('gives up after three replicas failed the same request', (situation) => {
    expect(afterFailure(failure('cut'), { ...situation, attempts: 2 }).kind).not.toBe('give_up');
    expect(afterFailure(failure('cut'), { ...situation, attempts: 3 })).toMatchObject({
      kind: 'give_up',
      error: { status: 502, message: '3 engines failed this request, the last: because' },
    });
  });

  it('blames the request when the engine refuses it: no other replica would take it', () => {
    expect(afterFailure(failure('rejected'), nothingYet)).toMatchObject({ kind: 'give_up', error: { status: 400 } });
  });

  it('says that the context is too long when that is why the engine refuses', () => {
    const message = 'The decoder prompt (length 5000) is longer than the maximum model length of 4096.';
    expect(afterFailure({ reason: 'rejected', status: 400, message }, nothingYet)).toMatchObject({
      kind: 'give_up',
      error: { code: 'context_length_exceeded', message },
    });
  });
});

describe('where no replica is left for another attempt', () => {
  it.each([
    [1, 'The engine failed this request and no other is left: because'],
    [2, '2 engines failed this request and no other is left, the last: because'],
  ])('the failure of the last of %i is told', (attempts, message) => {
    expect(noneLeft(failure('cut'), attempts)).toMatchObject({ errorName: 'engine_failed', message });
  });

  it.each([
    [undefined, 1],
    [2500, 3],
    [3_600_000, 60],
  ])('a refusal by load that asked for %s ms is no failure, and may be sent again in %i s', (retryAfterMs, seconds) => {
    const busy = { ...failure('busy'), ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
    const expected = { errorName: 'engine_busy', status: 503, retryAfterSeconds: seconds };
    expect(noneLeft(busy, 1)).toMatchObject({
      ...expected,
      message: 'The engine is too busy for this request and no other is left: because',
    });
    expect(afterFailure(busy, { ...nothingYet, attempts: 3 })).toMatchObject({ kind: 'give_up', error: expected });
  });

  it('no engine is blamed whose streams were closed: the same request may be sent again', () => {
    expect(noneLeft(failure('closed'), 1)).toMatchObject({
      status: 503,
      message: 'The answer was not finished in time, and no other engine is left to go on with it: because',
    });
  });
});
