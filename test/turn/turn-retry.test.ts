import { describe, expect, it } from 'vitest';
import { encodeText } from '../../src/harmony/encode.ts';
import { TOKENS } from '../../src/harmony/tokens.ts';
import { failed, finished } from '../support/scripted-upstream.ts';
import { FINAL, setUpTurn as setUp } from '../support/turn.ts';
import { vocabulary } from '../support/vocabulary.ts';

describe('a turn whose engine fails', () => {
  it('moves to another replica, unnoticed by the listener, while nothing was handed on', async () => {
    const { upstream, heard, retries, run } = setUp();
    const end = run();
    const first = await upstream.next();
    first.tokens(TOKENS.channel);
    first.end(failed('cut'));
    const second = await upstream.next();
    expect(second.request.replica.engineId).toBe('e1');
    second.tokens(...FINAL, ...encodeText(vocabulary, 'Hi'), TOKENS.return);
    second.end(finished());
    expect(await end).toMatchObject({ kind: 'completed', usage: { outputTokens: 5 } });
    expect(heard.join('')).toBe('|<final>Hi</return>||');
    expect(retries).toEqual([{ requestId: 'resp_1', engineId: 'e0', reason: 'cut: scripted', retried: true }]);
  });

  it('starts over on another replica after output that nobody has seen', async () => {
    const { upstream, heard, run } = setUp();
    const end = run({}, false);
    const first = await upstream.next();
    first.tokens(...FINAL, ...encodeText(vocabulary, 'Hel'));
    first.end(failed('cut'));
    const second = await upstream.next();
    expect(second.request.replica.engineId).toBe('e1');
    second.tokens(...FINAL, ...encodeText(vocabulary, 'Hi'), TOKENS.return);
    second.end(finished());
    expect(await end).toMatchObject({ kind: 'completed', usage: { outputTokens: 5 } });
    expect(heard.join('')).toBe('<final>Hel|<start over><final>Hi</return>||');
  });

  it('fails, and does not start again, once somebody has seen output', async () => {
    const { upstream, retries, run } = setUp();
    const end = run();
    const stream = await upstream.next();
    stream.tokens(...FINAL);
    stream.end(failed('cut'));
    expect(await end).toMatchObject({ kind: 'failed', error: { status: 502 }, usage: { outputTokens: 3 } });
    expect(retries).toMatchObject([{ engineId: 'e0', retried: false }]);
  });

  it('fails with the last failure when each replica failed the request and none is left', async () => {
    const { upstream, run } = setUp();
    const end = run();
    (await upstream.next()).end(failed('unreachable'));
    (await upstream.next()).end(failed('unreachable'));
    expect(await end).toMatchObject({
      kind: 'failed',
      error: {
        errorName: 'engine_failed',
        message: '2 engines failed this request and no other is left, the last: scripted',
      },
    });
    const { upstream: only, run: runOnly } = setUp(['e0']);
    const lone = runOnly();
    (await only.next()).end(failed('cut'));
    expect(await lone).toMatchObject({
      error: { errorName: 'engine_failed', message: 'The engine failed this request and no other is left: scripted' },
    });
  });
});
