import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { request } from 'undici';
import type { RunningChorus } from '../support/chorus-process.ts';
import { formatProblems, valueOf } from '../support/prometheus.ts';
import { postResponse } from '../support/responses-client.ts';

const SECRET = 'Zanzibarquagga';
const LABELS = 'replica="e0",engine="0",model_name="gpt-oss-20b"';

/** What the one engine's series and log tell, on a Chorus that logs everything and has given one answer, of so many tokens. */
export function metricsSuite(chorus: () => RunningChorus, answeredTokens: () => number): void {
  const page = async (path: string): Promise<string> => (await request(`${chorus().url}${path}`)).body.text();

  it('has the series of vLLM on its page, labelled, and by the rules of the format', async () => {
    const { status, body } = await postResponse(chorus().url, { input: `Repeat after me: ${SECRET}` });
    expect(status).toBe(200);
    const metrics = await page('/metrics');
    expect(formatProblems(metrics)).toEqual([]);
    // One more than the answers: the token that showed the engine to be ready.
    const tokens = answeredTokens() + (body.usage?.output_tokens ?? 0) + 1;
    expect(valueOf(metrics, `vllm:generation_tokens_total{${LABELS}}`)).toBe(tokens);
    expect(valueOf(metrics, `vllm:time_to_first_token_seconds_count{${LABELS}}`)).toBe(3);
    expect(metrics).not.toContain('_created{');
    expect(metrics).not.toContain('python_info');
    expect(formatProblems(await page('/metrics/pool'))).toEqual([]);
    expect(valueOf(await page('/metrics/pool'), 'vllm:num_requests_running{model_name="gpt-oss-20b"}')).toBe(0);
  });

  it('writes no word of a prompt or an answer to the log of vLLM', async () => {
    const { engines } = await chorus().status();
    const log = readFileSync(engines[0]?.logFile ?? '', 'utf8');
    expect(log).toContain('Application startup complete');
    expect(log).not.toContain(SECRET);
    expect(log).not.toContain('prompt_token_ids: [');
  });
}
