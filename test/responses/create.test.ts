import { expect, it } from 'vitest';
import { encodeText } from '../../src/harmony/encode.ts';
import { TOKENS } from '../../src/harmony/tokens.ts';
import { createResponse, streamResponse } from '../../src/responses/create.ts';
import { prepareResponse } from '../../src/responses/request.ts';
import { Flow } from '../../src/turn/attempt.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { prepareOptions } from '../support/prepare-options.ts';
import { failed, finished } from '../support/scripted-upstream.ts';
import { openStore } from '../support/store-bench.ts';
import { FINAL, setUpTurn } from '../support/turn.ts';
import { vocabulary } from '../support/vocabulary.ts';

const RETENTION_MS = 60_000;
const { signal } = new AbortController();

/** A request over a scripted engine and a real store. */
async function setUp() {
  const store = await openStore();
  const { deps, upstream } = setUpTurn(['e0']);
  const options = { ...prepareOptions, retentionMs: RETENTION_MS };
  const prepared = prepareResponse({ model: 'gpt-oss-20b', input: 'hi' }, options);
  const memory = { store, retentionMs: RETENTION_MS };
  return { store, upstream, prepared, deps: { turn: deps, clock: new FakeClock(), memory } };
}

it('an answer that is returned whole is kept', async () => {
  const { deps, prepared, store, upstream } = await setUp();
  const created = createResponse(deps, prepared, signal);
  const stream = await upstream.next();
  stream.tokens(...FINAL, ...encodeText(vocabulary, 'Hello'), TOKENS.return);
  stream.end(finished());
  expect((await created)?.id).toBe(prepared.response.id);
  expect((await store.contents()).responses).toBe(1);
});

it('a failure that is returned as an error alone leaves nothing in the store', async () => {
  const { deps, prepared, store, upstream } = await setUp();
  const created = createResponse(deps, prepared, signal);
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
  const kept = await store.get(prepared.project, prepared.response.id);
  expect(kept).toMatchObject({ status: 'failed' });
});
