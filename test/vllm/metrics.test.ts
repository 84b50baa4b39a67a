import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { request } from 'undici';
import { replicasReady, type RunningChorus, startChorus } from '../support/chorus-process.ts';
import { formatProblems, valueOf } from '../support/prometheus.ts';
import { postResponse } from '../support/responses-client.ts';

const START_TIMEOUT_MS = 300_000;
const SECRET = 'Zanzibarquagga';

describe('the real vLLM', () => {
  let chorus: RunningChorus;
  const { CHORUS_TEST_PYTHON: python = '', CHORUS_TEST_MODEL: model = '' } = process.env;

  beforeAll(async () => {
    if (!python || !model) throw new Error('Run this through `npm run test:vllm`, which makes the Python environment.');
    const flags = ['--engine', 'cpu', '--python', python, '--model-path', model, '--replicas', '1'];
    chorus = await startChorus([...flags, '--log-level', 'debug']);
    await replicasReady(chorus, 1, START_TIMEOUT_MS);
  });
  afterAll(() => chorus?.stop());

  const page = async (path: string): Promise<string> => (await request(`${chorus.url}${path}`)).body.text();

  it('has its series on the page, labelled, and by the rules of the format', async () => {
    const { status, body } = await postResponse(chorus.url, { input: `Repeat after me: ${SECRET}` });
    expect(status).toBe(200);
    const metrics = await page('/metrics');
    expect(formatProblems(metrics)).toEqual([]);
    const labels = 'replica="e0",engine="0",model_name="gpt-oss-20b"';
    // One more than the answer: the token that showed the engine to be ready.
    expect(valueOf(metrics, `vllm:generation_tokens_total{${labels}}`)).toBe((body.usage?.output_tokens ?? 0) + 1);
    expect(valueOf(metrics, `vllm:time_to_first_token_seconds_count{${labels}}`)).toBe(2);
    expect(metrics).not.toContain('_created{');
    expect(metrics).not.toContain('python_info');
    expect(formatProblems(await page('/metrics/pool'))).toEqual([]);
    expect(valueOf(await page('/metrics/pool'), 'vllm:num_requests_running{model_name="gpt-oss-20b"}')).toBe(0);
  });

  it('writes no word of a prompt or an answer to its log', async () => {
    const { engines } = await chorus.status();
    const log = readFileSync(engines[0]?.logFile ?? '', 'utf8');
    expect(log).toContain('Application startup complete');
    expect(log).not.toContain(SECRET);
    expect(log).not.toContain('prompt_token_ids: [');
  });
});
