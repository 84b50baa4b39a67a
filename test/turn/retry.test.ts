import { describe, expect, it } from 'vitest';
import { afterFailure } from '../../src/turn/retry.ts';
import type { UpstreamFailure } from '../../src/upstream/token-stream.ts';

const failure = (reason: UpstreamFailure['reason']): UpstreamFailure => ({ reason, message: 'because', status: null });

describe('afterFailure', () => {
  it.each(['unreachable', 'cut', 'stalled', 'engine_error', 'busy'] as const)(
    'moves on after %s while nothing was handed on',
    (reason) => {
      expect(afterFailure(failure(reason), 1, false)).toEqual({ kind: 'retry', reason: `${reason}: because` });
    },
  );

  it('never moves once output of the engine was handed on', () => {
    expect(afterFailure(failure('cut'), 1, true)).toMatchObject({
      kind: 'give_up',
      error: { code: 'server_error', status: 502 },
    });
  });

  it('gives up after three replicas failed the same request', () => {
    expect(afterFailure(failure('cut'), 2, false).kind).toBe('retry');
    expect(afterFailure(failure('cut'), 3, false)).toMatchObject({ kind: 'give_up', error: { status: 502 } });
  });

  it('blames the request when the engine refuses it: no other replica would take it', () => {
    expect(afterFailure(failure('rejected'), 1, false)).toMatchObject({ kind: 'give_up', error: { status: 400 } });
  });

  it('says that the context is too long when that is why the engine refuses', () => {
    const message = 'The decoder prompt (length 5000) is longer than the maximum model length of 4096.';
    expect(afterFailure({ reason: 'rejected', status: 400, message }, 1, false)).toMatchObject({
      kind: 'give_up',
      error: { code: 'context_length_exceeded', message },
    });
  });
});
