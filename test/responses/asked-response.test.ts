import { expect, it } from 'vitest';
import { encodeText } from '../../src/harmony/encode.ts';
import { TOKENS } from '../../src/harmony/tokens.ts';
import type { ResponseObject } from '../../src/protocol/responses.ts';
import { askedResponse, type ResponsesDeps } from '../../src/responses/asked-response.ts';
import { prepareResponse, type PreparedResponse } from '../../src/responses/request.ts';
import type { ResponseStore } from '../../src/store/response-store.ts';
import { answerStream, answerWhole } from '../../src/turn/answer-turn.ts';
import { Flow } from '../../src/turn/attempt.ts';
import type { TurnControl } from '../../src/turn/run-turn.ts';
import type { TurnReport } from '../../src/turn/turn-report.ts';
import { eventually } from '../support/eventually.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { prepareOptions } from '../support/prepare-options.ts';
import { failed, finished } from '../support/scripted-upstream.ts';
import { openStore, response } from '../support/store-bench.ts';
import { FINAL, setUpTurn } from '../support/turn.ts';
import { turnEndsOf } from '../support/turn-ends.ts';
import { vocabulary } from '../support/vocabulary.ts';

const RETENTION_MS = 60_000;
const { signal } = new AbortController();

const createResponse = (deps: ResponsesDeps, prepared: PreparedResponse): Promise<ResponseObject | null> =>
  answerWhole(deps, askedResponse(deps, prepared), signal);
const streamResponse = (
  deps: ResponsesDeps,
  prepared: PreparedResponse,
  ...rest: [(frames: string) => void, TurnControl]
): Promise<void> => answerStream(deps, askedResponse(deps, prepared), ...rest);

/** A request over a scripted engine and a real store. */
async function setUp() {
  const store = await openStore();
  const { deps, upstream } = setUpTurn(['e0']);
  const options = { ...prepareOptions, retentionMs: RETENTION_MS };
  const prepared = prepareResponse({ model: 'gpt-oss-20b', input: 'hi' }, options);
  const memory = { store, retentionMs: RETENTION_MS };
  const reports: TurnReport[] = [];
  const turnEnds = turnEndsOf([(report) => void reports.push(report)], store.usage);
  const clock = new FakeClock();
  return { store, upstream, prepared, reports, clock, deps: { turn: deps, clock, memory, turnEnds } };
}

it('an answer that is returned whole is kept', async () => {
  const { deps, prepared, store, upstream } = await setUp();
  const created = createResponse(deps, prepared);
  const stream = await upstream.next();
  stream.tokens(...FINAL, ...encodeText(vocabulary, 'Hello'), TOKENS.return);
  stream.end(finished());
  expect((await created)?.id).toBe(prepared.response.id);
  expect((await store.contents()).responses).toBe(1);
});

it('a failure that is returned as an error alone leaves nothing in the store', async () => {
  const { deps, prepared, store, upstream } = await setUp();
  const created = createResponse(deps, prepared);
  (await upstream.next()).end(failed('rejected'));
  await expect(created).rejects.toMatchObject({ errorName: 'invalid_value' });
  expect((await store.contents()).responses).toBe(0);
});

it('a stream that fails has told its id, and the failed response is kept under it', async () => {
  const { deps, prepared, store, upstream } = await setUp();
  let frames = '';
  const streamed = streamResponse(deps, prepared, (text) => (frames += text), { flow: new Flow(), signal });
  (await upstream.next()).end(failed('rejected'));
  await streamed;
  expect(frames).toContain('event: response.failed');
  const kept = await store.get(prepared.caller.project, prepared.response.id);
  expect(JSON.parse(kept?.json ?? '{}')).toMatchObject({ status: 'failed' });
});

it('reports how a response ended, its tokens and its times', async () => {
  const { deps, prepared, upstream, reports, clock } = await setUp();
  const created = createResponse(deps, prepared);
  const stream = await upstream.next();
  clock.advance(40);
  stream.tokens(...FINAL, ...encodeText(vocabulary, 'Hello'));
  clock.advance(60);
  stream.tokens(TOKENS.return);
  stream.end(finished());
  await created;
  expect(reports).toEqual([
    {
      id: prepared.response.id,
      api: 'responses',
      caller: prepared.caller,
      model: 'gpt-oss-20b',
      isStream: false,
      outcome: 'completed',
      error: null,
      isSimulated: false,
      inputTokens: expect.any(Number),
      cachedTokens: 0,
      outputTokens: FINAL.length + 2,
      reasoningTokens: 0,
      firstOutputMs: 40,
      durationMs: 100,
    },
  ]);
});

/** The ledger's rows: which, how they ended, and with which error. */
async function recorded(store: ResponseStore): Promise<unknown[]> {
  const filter = { sinceMs: null, untilMs: null, project: null, keyId: null };
  const { rows } = await store.usage.page({ filter, after: 0, limit: 100 });
  return rows.map(({ id, outcome, error }) => [id, outcome, error]);
}

it('records every turn once before its client is told, kept or not', async () => {
  const kept = await setUp();
  const stored = kept.prepared.response;
  const unstored = { ...stored, id: 'resp_unstored', expires_at: null };
  const failing = { ...stored, id: 'resp_failing' };
  for (const response of [stored, unstored, failing]) {
    const turn = { ...kept.prepared.turn, requestId: response.id };
    const created = createResponse(kept.deps, { ...kept.prepared, response, turn });
    const stream = await kept.upstream.next();
    if (response !== failing) stream.tokens(...FINAL, ...encodeText(vocabulary, 'Hello'), TOKENS.return);
    stream.end(response === failing ? failed('rejected') : finished());
    const answer = await created.catch((error: unknown) => error);
    expect(answer instanceof Error).toBe(response === failing);
  }
  expect((await kept.store.contents()).responses).toBe(1);
  expect(await recorded(kept.store)).toEqual([
    [stored.id, 'completed', null],
    ['resp_unstored', 'completed', null],
    ['resp_failing', 'failed', 'invalid_value'],
  ]);
});

it('records a response that could not be stored as failed', async () => {
  const { deps, prepared, upstream, store, reports } = await setUp();
  await store.put(response(prepared.response.id, { project: prepared.caller.project }));
  const created = createResponse(deps, prepared);
  const stream = await upstream.next();
  stream.tokens(...FINAL, ...encodeText(vocabulary, 'Hello'), TOKENS.return);
  stream.end(finished());
  await expect(created).rejects.toMatchObject({ errorName: 'store_failed' });
  expect(await recorded(store)).toEqual([[prepared.response.id, 'failed', 'store_failed']]);
  expect(reports).toMatchObject([{ outcome: 'failed', error: 'store_failed' }]);
});

it('reports a failed stream and one whose client left', async () => {
  const flow = new Flow();
  const failing = await setUp();
  const streamed = streamResponse(failing.deps, failing.prepared, () => {}, { flow, signal });
  (await failing.upstream.next()).end(failed('rejected'));
  await streamed;
  expect(failing.reports).toMatchObject([
    { isStream: true, outcome: 'failed', error: 'invalid_value', firstOutputMs: null },
  ]);

  const left = await setUp();
  const client = new AbortController();
  const abandoned = streamResponse(left.deps, left.prepared, () => {}, { flow, signal: client.signal });
  await left.upstream.next();
  client.abort(new Error('left'));
  await abandoned;
  expect(left.reports).toMatchObject([{ isStream: true, outcome: 'aborted', error: null }]);
  await eventually('the row', 5000, async () => ((await recorded(left.store)).length > 0 ? true : null));
  expect(await recorded(left.store)).toEqual([[left.prepared.response.id, 'aborted', null]]);
});
