import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { request } from 'undici';
import type { RunningChorus } from '../support/chorus-process.ts';
import { formatProblems, valueOf } from '../support/prometheus.ts';
import { postResponse } from '../support/responses-client.ts';

const SECRET = 'Zanzibarquagga';
const LABELS = 'replica="e0",engine="0",model_name="gpt-oss-20b"';

/** What the one engine's series and log tell, on a Chorus that logs everything. */
export function metricsSuite(chorus: () => RunningChorus): void {
  const page = async (path: string): Promise<string> => (await request(`${chorus().url}${path}`)).body.text();

  it('has the series of vLLM on its page, labelled, and by the rules of the format', async () => {
    const before = await page('/metrics');
    const { status, body } = await postResponse(chorus().url, { input: `Repeat after me: ${SECRET}` });
    expect(status).toBe(200);
    const metrics = await page('/metrics');
    expect(formatProblems(metrics)).toEqual([]);
    const added = (series: string): number =>
      valueOf(metrics, `${series}{${LABELS}}`) - valueOf(before, `${series}{${LABELS}}`);
    expect(added('vllm:generation_tokens_total')).toBe(body.usage?.output_tokens);
    expect(added('vllm:time_to_first_token_seconds_count')).toBe(1);
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
