import { afterEach, beforeEach, expect, it } from 'vitest';
import { replicasReady } from '../support/chorus-process.ts';
import { eventually } from '../support/eventually.ts';
import { GpuChorus } from '../support/gpu-chorus.ts';
import { fakeGpus, fakeLedger } from '../support/gpu-machine/ledger.ts';
import { getJson, postResponse } from '../support/responses-client.ts';

const TOO_LONG =
  "ValueError: To serve at least one request with the model's max seq len (131072), 4.5 GiB KV cache is needed, which is larger than the available KV cache memory (3.1 GiB). Based on the available memory, the estimated maximum model length is 90112.";

let gpuChorus: GpuChorus;
beforeEach(() => {
  gpuChorus = new GpuChorus(fakeLedger(fakeGpus(1, 'l4')));
  gpuChorus.beforeEngine(`case "$*" in *"--max-model-len 131072 "*) echo "${TOO_LONG}" >&2; exit 1 ;; esac`);
});
afterEach(() => gpuChorus.remove());

it('a context that the card has no room for is tried once more with the next one that fits', async () => {
  const chorus = await gpuChorus.serve();
  const [engine] = (await replicasReady(chorus, 1, 30_000)).engines;
  expect(engine).toMatchObject({ generation: 2, lastFailure: { code: 'context_too_long' } });
  const { body } = await getJson<object>(`${chorus.url}/v1/models/gpt-oss-20b`);
  expect(body).toMatchObject({ state: 'ready', max_model_len: 65_536 });
  expect((await postResponse(chorus.url, { input: 'Say OK.' })).body.output_text).toBe('OK');
}, 60_000);

it('one that a person pinned is not started again, and everybody is told why and what helps', async () => {
  const chorus = await gpuChorus.serve(['--context-tokens', '131072']);
  const engine = await eventually('the end of its start', 30_000, async () => {
    const [now] = (await chorus.status()).engines;
    return now?.phase === 'failed' ? now : null;
  });
  expect(engine).toMatchObject({ generation: 1, mayBecomeReady: false, lastFailure: { code: 'context_too_long' } });
  expect(engine.sentence).toMatch(/^failed: To serve at least one request .* Use a smaller context/);
  const { status, body } = await postResponse<object>(chorus.url, { input: 'Say OK.' });
  expect(status).toBe(503);
  expect(body).toMatchObject({ error: { message: expect.stringContaining('Use a smaller context') } });
}, 60_000);
