import { setImmediate as nextLoopTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { PromptSource } from '../../src/turn/encode-prompt.ts';
import { TOKENS } from '../../src/harmony/tokens.ts';
import { aReplica } from '../support/replicas.ts';
import { failed, finished, type ScriptedStream } from '../support/scripted-upstream.ts';
import { FINAL, sampling, setUpTurn, userPrompt } from '../support/turn.ts';

/** Longer than it takes to know who else was on an engine that ended. */
const SETTLED_MS = 300;
/** Longer than an engine takes to end after its streams. */
const FATE_KNOWN_MS = 10_000;
const REMEMBERED_MS = 600_000;

const asking = (text: string): { prompt: PromptSource } => ({ prompt: userPrompt(text, false) });

function setUp(replicas = ['e0', 'e1']) {
  const bench = setUpTurn(replicas);
  const { pool, clock } = bench;
  /** The engine ends by itself under its streams. */
  const kill = (engineId: string, ...streams: readonly ScriptedStream[]): void => {
    for (const stream of streams) stream.end(failed('cut'));
    pool.died(engineId, 0);
    pool.withdraw(engineId, 'its process ended');
  };
  const settle = async (durationMs = SETTLED_MS): Promise<void> => {
    await nextLoopTurn();
    clock.advance(durationMs);
    await nextLoopTurn();
  };
  return { ...bench, kill, settle };
}

describe('a request under which two engines end', () => {
  it('is refused with its hash, and its client’s own retry before any engine is asked', async () => {
    const { upstream, kill, settle, failures, run, pool, clock } = setUp(['e0', 'e1', 'e2']);
    const poison = run();
    kill('e0', await upstream.next());
    const second = await upstream.next();
    second.tokens(...FINAL);
    kill('e1', second);
    await settle();
    const end = await poison;
    const hash = failures.at(-1)?.suspectHash ?? expect.fail('no hash');
    expect(hash).toMatch(/^[0-9a-f]{16}$/);
    expect(end).toMatchObject({
      kind: 'failed',
      error: { errorName: 'deadly_request', status: 400, code: 'invalid_prompt' },
      failedAttempts: [
        { engineId: 'e0', outcome: 'retried', suspectHash: null },
        { engineId: 'e1', outcome: 'given_up', suspectHash: hash },
      ],
    });
    expect(end).toMatchObject({ error: { message: expect.stringContaining(hash) } });
    clock.advance(REMEMBERED_MS / 2);
    const again = await run();
    expect(again).toMatchObject({
      usage: { inputTokens: 0 },
      error: {
        errorName: 'deadly_request',
        message:
          'This request ends engines: e0 and e1 ended or hung while generating the answer to it, and no other request was there ' +
          `each time. It is refused for 5 min, so that it does not end the others too. The hash of its content is ${hash}; ` +
          "Chorus's log has it.",
      },
    });
    expect(pool.view().map(({ served }) => served)).toEqual([1, 1, 0]);
    const other = run(asking('something else'));
    (await upstream.next()).end(finished());
    expect((await other).kind).toBe('completed');
    clock.advance(REMEMBERED_MS / 2);
    const later = run();
    (await upstream.next()).end(finished());
    expect((await later).kind).toBe('completed');
  });

  it('is refused also where they hang under it until they are replaced', async () => {
    const { upstream, settle, run, pool } = setUp(['e0', 'e1', 'e2']);
    const poison = run();
    for (const engineId of ['e0', 'e1']) {
      await upstream.next();
      pool.withdraw(engineId, 'it stands still');
      pool.closeStreams(engineId, 'stalled', 'it stands still');
      await settle(5000);
      pool.died(engineId, 0);
    }
    expect(await poison).toMatchObject({ error: { errorName: 'deadly_request' } });
  });

  it('is refused also when the ends become known after its streams broke', async () => {
    const { upstream, settle, run, pool } = setUp(['e0', 'e1', 'e2']);
    const poison = run();
    (await upstream.next()).end(failed('cut'));
    (await upstream.next()).end(failed('cut'));
    await settle(5000);
    pool.died('e1', 0);
    pool.died('e0', 0);
    expect(await poison).toMatchObject({ error: { errorName: 'deadly_request' } });
  });

  it('is refused also where the first end left nothing to go on with', async () => {
    const { upstream, kill, settle, run } = setUp();
    const seeded = { sampling: { ...sampling, seed: 1 } };
    for (const [engineId, name] of [
      ['e0', 'engine_failed'],
      ['e1', 'deadly_request'],
    ] as const) {
      const poison = run(seeded);
      const stream = await upstream.next();
      stream.tokens(...FINAL);
      kill(engineId, stream);
      await settle();
      expect(await poison).toMatchObject({ error: { errorName: name } });
    }
  });

  it('goes on where the engines did not end: a connection may break', async () => {
    const { upstream, settle, run } = setUp(['e0', 'e1', 'e2']);
    const turn = run();
    (await upstream.next()).end(failed('cut'));
    (await upstream.next()).end(failed('cut'));
    await settle(FATE_KNOWN_MS);
    (await upstream.next()).end(finished());
    expect((await turn).kind).toBe('completed');
  });

  it('goes on at once where engines are stopped in order, however many', async () => {
    const { upstream, pool, run } = setUp(['e0', 'e1', 'e2', 'e3']);
    const turn = run();
    for (const engineId of ['e0', 'e1', 'e2']) {
      await upstream.next();
      pool.closeStreams(engineId, 'closed', 'it is being stopped');
    }
    (await upstream.next()).end(finished());
    expect((await turn).kind).toBe('completed');
  });
});

describe('requests that were on two engines together when they ended', () => {
  it('are not refused for one whose client left each time just before', async () => {
    const { upstream, kill, settle, run, pool } = setUp(['e0']);
    const innocent = run(asking('innocent'));
    for (const engineId of ['e0', 'e1']) {
      const harmless = await upstream.next();
      const client = new AbortController();
      const poison = run(asking('poison'), true, client);
      await upstream.next();
      client.abort();
      expect((await poison).kind).toBe('aborted');
      pool.admit(aReplica({ engineId: engineId === 'e0' ? 'e1' : 'e2' }));
      kill(engineId, harmless);
    }
    await settle();
    (await upstream.next()).end(finished());
    expect((await innocent).kind).toBe('completed');
  });

  it('go on apart: the one under which the third engine ends is refused, the other one is answered', async () => {
    const { upstream, kill, settle, failures, run, pool } = setUp(['e0']);
    const poison = run(asking('poison'));
    const poisonous = await upstream.next();
    const innocent = run(asking('innocent'));
    const harmless = await upstream.next();
    harmless.tokens(...FINAL);
    pool.admit(aReplica({ engineId: 'e1' }));
    kill('e0', poisonous, harmless);
    kill('e1', await upstream.next(), await upstream.next());
    pool.admit(aReplica({ engineId: 'e2' }));
    await settle();
    const third = await upstream.next();
    await settle();
    expect(third.request.promptTokenIds).toEqual(poisonous.request.promptTokenIds);
    expect(pool.view().map(({ inFlight }) => inFlight)).toEqual([0, 0, 1]);
    pool.admit(aReplica({ engineId: 'e3' }));
    const last = await upstream.next();
    kill('e2', third);
    await settle();
    expect(await poison).toMatchObject({ kind: 'failed', error: { errorName: 'deadly_request' } });
    last.tokens(TOKENS.return);
    last.end(finished());
    expect(await innocent).toMatchObject({ kind: 'completed', usage: { outputTokens: 4 } });
    expect(failures.filter(({ suspectHash }) => suspectHash !== null)).toMatchObject([{ engineId: 'e2' }]);
  });

  it('do not follow each other onto an engine of which it is not known whether it ended', async () => {
    const { upstream, kill, settle, run, pool, client } = setUp(['e0']);
    const poison = run(asking('poison'));
    const innocent = run(asking('innocent'));
    const streams = [await upstream.next(), await upstream.next()];
    pool.admit(aReplica({ engineId: 'e1' }));
    kill('e0', ...streams);
    kill('e1', await upstream.next(), await upstream.next());
    pool.admit(aReplica({ engineId: 'e2' }));
    await settle();
    (await upstream.next()).end(failed('cut'));
    await settle(1000);
    expect(pool.view().at(-1)).toMatchObject({ engineId: 'e2', served: 1 });
    client.abort();
    await Promise.all([poison, innocent]);
  });

  it('are cleared by an answer', async () => {
    const { upstream, kill, settle, run } = setUp(['e0', 'e1', 'e2']);
    const first = run();
    kill('e0', await upstream.next());
    (await upstream.next()).end(finished());
    expect((await first).kind).toBe('completed');
    const second = run();
    kill('e2', await upstream.next());
    await settle();
    (await upstream.next()).end(finished());
    expect((await second).kind).toBe('completed');
  });
});
