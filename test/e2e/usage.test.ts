import { rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { UsageObject } from '../../src/ledger/usage-objects.ts';
import { newStateDir, replicasReady, startChorus, type RunningChorus } from '../support/chorus-process.ts';
import { eventually } from '../support/eventually.ts';
import { deleteJson, getJson, openStream, postResponse } from '../support/responses-client.ts';
import {
  askFirstKind,
  chorusUsage,
  CLIENTS,
  loadUntilKilled,
  makeKey,
  untilReady,
  usageRows,
  type Answered,
} from '../support/usage-load.ts';
import { startReceiver } from '../support/webhook-receiver.ts';
import { openApiSuite } from './openapi-suite.ts';

const FLAGS = ['--engine', 'simulated', '--replicas', '2'];
const DELIVERY_TIMEOUT_MS = 60_000;
const PATIENCE_MS = 240_000;

let stateDir: string;
let chorus: RunningChorus;
beforeAll(async () => {
  stateDir = newStateDir();
  const pace = ['--engine-arg=--sim-token-interval-ms', '--engine-arg=5'];
  chorus = await startChorus([...FLAGS, ...pace], stateDir);
  await replicasReady(chorus, 2, 30_000);
}, 60_000);
afterAll(async () => {
  await chorus.stop();
  rmSync(stateDir, { recursive: true, force: true });
});

/** What a row must say of a request that was answered. */
const expectedOf = ({ isStream, inputTokens, outputTokens, keyId, ...same }: Answered): Partial<UsageObject> => ({
  ...same,
  key: keyId,
  stream: isStream,
  simulated: true,
  error: null,
  input_tokens: inputTokens,
  output_tokens: outputTokens,
});

interface Page {
  readonly data: readonly UsageObject[];
  readonly has_more: boolean;
  readonly next_cursor: number;
}

const page = async (query: string): Promise<Page> => (await getJson<Page>(`${chorus.url}/admin/usage?${query}`)).body;

const rowOf = (isIt: (row: UsageObject) => boolean): Promise<UsageObject> =>
  eventually('the row', 30_000, async () => (await page('limit=1000')).data.find(isIt) ?? null);

it(
  'has one row for every answer that a client got, and posts them all, when it is killed under load',
  async () => {
    const receiver = await startReceiver((number) => (number % 2 === 0 ? 500 : 200));
    const flags = [...FLAGS, '--usage-webhook-url', receiver.url];
    const ledger = newStateDir();
    const keys = [
      await makeKey(ledger, 'a1', 'alpha'),
      await makeKey(ledger, 'a2', 'alpha'),
      await makeKey(ledger, 'b1', 'beta'),
    ] as const;
    const answered = await loadUntilKilled(await startChorus(flags, ledger), keys, { seed: 1, atLeast: 50 });
    // Without a server the command reads the file itself.
    const rows = await usageRows(ledger);
    const byId = new Map(rows.map((row) => [row.id, row]));
    expect(byId.size).toBe(rows.length);
    expect(answered.map(({ id }) => byId.get(id))).toMatchObject(answered.map(expectedOf));
    const unseen = rows.length - answered.length;
    expect(unseen).toBeLessThanOrEqual(CLIENTS);
    const [, ...sums] = await chorusUsage(ledger, '--csv');
    const counted = sums.map((line) => line.split(',').slice(0, 3));
    const countOf = (keyId: string): number => rows.filter(({ key }) => key === keyId).length;
    expect(counted).toEqual(
      keys
        .toSorted((a, b) => (a.project + a.id < b.project + b.id ? -1 : 1))
        .map(({ project, id }) => [project, id, String(countOf(id))]),
    );
    expect(new Set(rows.map(({ api }) => api))).toEqual(new Set(['responses', 'chat', 'completions', 'generate']));

    const again = await startChorus(flags, ledger);
    await untilReady(again);
    const { id: last } = await askFirstKind(again, keys[0]);
    await eventually('the delivery of all', DELIVERY_TIMEOUT_MS, () => (receiver.taken().includes(last) ? true : null));
    const all = (await usageRows(ledger)).map(({ id }) => id);
    expect(all).toEqual([...rows.map(({ id }) => id), last]);
    expect([...new Set(receiver.taken())]).toEqual(all);
    expect(await again.stop()).toBe(0);
    rmSync(ledger, { recursive: true, force: true });
  },
  PATIENCE_MS,
);

it('keeps the row of a response that is deleted, and nothing of what was said', { timeout: PATIENCE_MS }, async () => {
  const { body } = await postResponse(chorus.url, { input: 'My name is Ada.' });
  await deleteJson(`${chorus.url}/v1/responses/${body.id}`);
  expect((await getJson(`${chorus.url}/v1/responses/${body.id}`)).status).toBe(404);
  const row = await rowOf(({ id }) => id === body.id);
  expect(row).toMatchObject({ outcome: 'completed', input_tokens: body.usage?.input_tokens });
  expect(JSON.stringify(row)).not.toContain('Ada');
});

it(
  'has a row of a client that left and of a turn that failed, and none of a request that was refused',
  { timeout: PATIENCE_MS },
  async () => {
    const before = (await page('limit=1000')).data.length;
    expect((await postResponse(chorus.url, { input: 'hi', model: 'gpt-4' })).status).toBe(400);
    const long = 'many words '.repeat(90_000);
    expect((await postResponse(chorus.url, { input: long })).body).toMatchObject({
      error: { code: 'context_length_exceeded' },
    });
    const failed = await rowOf(({ outcome }) => outcome === 'failed');
    expect(failed).toMatchObject({ error: 'context_length_exceeded', output_tokens: 0, first_output_ms: null });
    const client = new AbortController();
    const stream = await openStream(chorus.url, { input: 'Tell me a long story.' }, client.signal);
    await eventually('some output', 30_000, () => (stream.soFar().includes('.delta') ? true : null));
    client.abort();
    await stream.ended.catch(() => {});
    const aborted = await rowOf(({ outcome }) => outcome === 'aborted');
    expect(aborted).toMatchObject({ stream: true, error: null });
    expect(aborted.output_tokens).toBeGreaterThan(0);
    expect((await page('limit=1000')).data.length).toBe(before + 2);
  },
);

it('says over HTTP what is wrong with a query', async () => {
  const ask = async (query: string) => {
    const { status, body } = await getJson<{ error: { param: string; message: string } }>(
      `${chorus.url}/admin/usage?${query}`,
    );
    return [status, body.error.param, body.error.message];
  };
  expect(await ask('limit=0')).toEqual([400, 'limit', 'limit must be at least 1.']);
  expect(await ask('since=monday')).toEqual([400, 'since', expect.stringContaining('such as 7d')]);
  expect(await ask('by=colour')).toEqual([400, 'by', expect.stringContaining("'colour' is none of them")]);
  expect(await ask('by=day&limit=3')).toEqual([400, 'by', expect.stringContaining('leave out after and limit')]);
  expect(await ask('sinse=7d')).toEqual([400, 'sinse', expect.stringContaining('There are since, until')]);
  expect(await ask('toString=1')).toEqual([400, 'toString', expect.stringContaining('There are since, until')]);
  expect(await ask('project=')).toEqual([400, 'project', 'project must have one value.']);
});

it('gives rows page by page', { timeout: PATIENCE_MS }, async () => {
  const first = await page('limit=1');
  expect([first.data.length, first.has_more]).toEqual([1, true]);
  const rest = await page(`after=${first.next_cursor}&limit=1000`);
  expect(rest.has_more).toBe(false);
  expect([...first.data, ...rest.data]).toEqual(await usageRows(stateDir));
  expect(await page(`after=${rest.next_cursor}`)).toMatchObject({ data: [], next_cursor: rest.next_cursor });
});

openApiSuite(() => chorus);
