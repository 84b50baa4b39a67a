import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { request } from 'undici';
import type { ResponseObject } from '../../src/protocol/responses.ts';
import type { StatusReport } from '../../src/gateway/reports.ts';
import { type RunningChorus, startChorus } from '../support/chorus-process.ts';
import { eventually } from '../support/eventually.ts';
import { formatProblems, valueOf } from '../support/prometheus.ts';

const KEY = 'sk-chorus-0123456789abcdef0123456789abcdef';
const ADMIN_KEY = 'sk-chorus-admin';
let stateDir: string;
let chorus: RunningChorus;

beforeAll(async () => {
  stateDir = mkdtempSync(join(tmpdir(), 'chorus-metrics-'));
  writeFileSync(join(stateDir, 'api-key'), `${KEY}\n`, { mode: 0o600 });
  writeFileSync(join(stateDir, 'admin-key'), `${ADMIN_KEY}\n`, { mode: 0o600 });
  chorus = await startChorus(['--engine', 'simulated', '--replicas', '2'], stateDir);
  await eventually('two replicas', 30_000, async () =>
    (await getStatus()).engines.every(({ phase }) => phase === 'ready') ? true : null,
  );
});

afterAll(async () => {
  await chorus.stop();
  rmSync(stateDir, { recursive: true, force: true });
});

async function get(path: string, key: string | null = KEY): Promise<{ status: number; type: string; text: string }> {
  const headers = key === null ? {} : { authorization: `Bearer ${key}` };
  const { statusCode: status, headers: got, body } = await request(`${chorus.url}${path}`, { headers });
  return { status, type: String(got['content-type']), text: await body.text() };
}

async function create(input: string): Promise<ResponseObject> {
  const { body } = await request(`${chorus.url}/v1/responses`, {
    method: 'POST',
    headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'gpt-oss-20b', temperature: 0, input }),
  });
  return (await body.json()) as ResponseObject;
}

const getStatus = async (): Promise<StatusReport> =>
  JSON.parse((await get('/admin/status', ADMIN_KEY)).text) as StatusReport;

it('tells Prometheus what was asked of this server and what its engines say', async () => {
  const answers = [await create('What is 7 + 8?'), await create('Count to 20.')];
  const total = (count: (usage: NonNullable<ResponseObject['usage']>) => number): number =>
    answers.reduce((sum, { usage }) => sum + (usage ? count(usage) : 0), 0);
  const { status, type, text: page } = await get('/metrics');
  expect([status, type]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
  expect(formatProblems(page)).toEqual([]);
  const model = 'model="gpt-oss-20b"';
  expect(valueOf(page, `chorus_responses_total{api="responses",${model},mode="json",outcome="completed"}`)).toBe(2);
  expect(valueOf(page, `chorus_input_tokens_total{${model}}`)).toBe(total((usage) => usage.input_tokens));
  expect(valueOf(page, `chorus_output_tokens_total{${model}}`)).toBe(total((usage) => usage.output_tokens));
  expect(valueOf(page, 'chorus_ready')).toBe(1);
  expect(valueOf(page, 'chorus_store_responses')).toBe(2);
  expect(valueOf(page, 'chorus_store_writes_total{result="ok"}')).toBe(2);
  for (const replica of ['e0', 'e1']) {
    const labels = `replica="${replica}",engine="0",model_name="gpt-oss-20b"`;
    // The answer of a request, and the token that showed the engine to be ready.
    expect(valueOf(page, `vllm:generation_tokens_total{${labels}}`)).toBeGreaterThan(1);
    expect(valueOf(page, `chorus_engine_phase{replica="${replica}",${model},phase="ready"}`)).toBe(1);
    expect(valueOf(page, `chorus_engine_requests_total{replica="${replica}"}`)).toBe(1);
    expect(valueOf(page, `chorus_engine_start_seconds_count{replica="${replica}"}`)).toBe(1);
  }
});

it('tells the load of all replicas as one to whoever balances over machines, without a key', async () => {
  expect((await get('/metrics', null)).status).toBe(401);
  const { status, text: page } = await get('/metrics/pool', null);
  expect(status).toBe(200);
  expect(formatProblems(page)).toEqual([]);
  const samples = page.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  expect(samples).toEqual([
    'vllm:num_requests_waiting{model_name="gpt-oss-20b"} 0',
    'vllm:num_requests_running{model_name="gpt-oss-20b"} 0',
    'vllm:kv_cache_usage_perc{model_name="gpt-oss-20b"} 0',
  ]);
});

it('leaves out an engine that does not answer, and counts that', async () => {
  const pid = (await getStatus()).engines[1]?.pid ?? 0;
  process.kill(pid, 'SIGSTOP');
  try {
    const { text: page } = await get('/metrics');
    expect(page).toContain('vllm:num_requests_running{replica="e0"');
    expect(page).not.toContain('vllm:num_requests_running{replica="e1"');
    expect(valueOf(page, 'chorus_engine_scrape_failures_total{replica="e1"}')).toBe(1);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
});

it('says that it is alive', async () => {
  expect(await get('/livez', null)).toMatchObject({ status: 200, text: '{"status":"alive"}' });
});
