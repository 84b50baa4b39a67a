import { once } from 'node:events';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { request } from 'undici';
import type { StatusReport } from '../../src/gateway/reports.ts';
import { type RunningChorus, startChorus } from '../support/chorus-process.ts';
import { eventually } from '../support/eventually.ts';

/** In every prompt, answer, argument and broken body of this file. */
const SECRET = 'Zanzibarquagga';
const KEY = 'sk-chorus-quaggakey-0123456789abcdef';
const ADMIN_KEY = 'sk-chorus-quaggaadmin-0123456789abcdef';
const WRONG_KEY = 'sk-wrongquagga';
/** Longer than every answer here but that of the request that is to end its engine. */
const DEADLY_TOKENS = 60;

let stateDir: string;
let chorus: RunningChorus;

beforeAll(async () => {
  stateDir = mkdtempSync(join(tmpdir(), 'chorus-secrecy-'));
  writeFileSync(join(stateDir, 'api-key'), `${KEY}\n`, { mode: 0o600 });
  writeFileSync(join(stateDir, 'admin-key'), `${ADMIN_KEY}\n`, { mode: 0o600 });
  const crash = ['--engine-arg=--sim-crash-after-tokens', `--engine-arg=${DEADLY_TOKENS}`];
  chorus = await startChorus(['--engine', 'simulated', '--replicas', '2', '--log-level', 'debug', ...crash], stateDir);
  await eventually('two replicas', 30_000, async () => {
    const { engines } = await getStatus();
    return engines.every(({ phase }) => phase === 'ready') ? true : null;
  });
});

afterAll(async () => {
  await chorus.stop();
  rmSync(stateDir, { recursive: true, force: true });
});

interface Answer {
  readonly status: number;
  readonly text: string;
}

async function ask(method: 'GET' | 'POST', path: string, body?: object | string, key = KEY): Promise<Answer> {
  const { statusCode, body: answer } = await request(`${chorus.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: statusCode, text: await answer.text() };
}

const create = (body: object): Promise<Answer> =>
  ask('POST', '/v1/responses', { model: 'gpt-oss-20b', temperature: 0, ...body });

const getStatus = async (): Promise<StatusReport> =>
  JSON.parse((await ask('GET', '/admin/status', undefined, ADMIN_KEY)).text) as StatusReport;

/** Everything that stands in the log and was printed. */
const told = (): string => readFileSync(join(stateDir, 'chorus.log'), 'utf8') + chorus.output();

const linesSaying = (msg: string): Record<string, unknown>[] =>
  readFileSync(join(stateDir, 'chorus.log'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter((line) => line['msg'] === msg);

const WEATHER = {
  type: 'function',
  name: 'get_weather',
  parameters: { type: 'object', properties: { location: { type: 'string', description: SECRET } } },
};

it('answers with the secret words, and logs that it did without them', async () => {
  const said = await create({ input: `Repeat after me: ${SECRET}`, instructions: SECRET });
  const streamed = await create({ input: `Repeat after me: ${SECRET}`, stream: true, metadata: { secret: SECRET } });
  const called = await create({ input: `What is the weather in ${SECRET}?`, tools: [WEATHER] });
  expect([said, streamed, called].map(({ status, text }) => [status, text.includes(SECRET)])).toEqual([
    [200, true],
    [200, true],
    [200, true],
  ]);
  expect(called.text).toContain('"function_call"');
  expect(linesSaying('turn')).toMatchObject([
    { outcome: 'completed', isStream: false, model: 'gpt-oss-20b' },
    { outcome: 'completed', isStream: true },
    { outcome: 'completed', isStream: false },
  ]);
});

it('refuses what is wrong, and logs that it did without what was wrong', async () => {
  const refused = await Promise.all([
    ask('POST', '/v1/responses', `{"model":"gpt-oss-20b","input":"${SECRET}"`),
    ask('POST', '/v1/responses', SECRET),
    create({ input: [{ role: SECRET, content: SECRET }] }),
    create({ input: SECRET, temperature: SECRET }),
    create({ input: SECRET, model: SECRET }),
    create({ input: SECRET, previous_response_id: `resp_${SECRET}` }),
    create({ input: [{ type: 'function_call_output', call_id: SECRET, output: SECRET }] }),
    create({ input: 'Hi', text: { format: { type: 'json_schema', name: SECRET, strict: true, schema: { not: {} } } } }),
    create({ input: `${SECRET} `.repeat(140_000) }),
    ask('GET', `/v1/responses/resp_${SECRET}?include=${SECRET}`),
    ask('GET', `/${SECRET}/${SECRET}`),
    ask('POST', '/v1/responses', { input: SECRET }, WRONG_KEY),
  ]);
  expect(refused.map(({ status }) => status)).toEqual([400, 400, 400, 400, 400, 400, 400, 400, 400, 404, 404, 401]);
});

it('logs nothing of what is no HTTP, and of an answer whose client leaves that it left', async () => {
  const { port } = new URL(chorus.url);
  const garbage = connect(Number(port), '127.0.0.1');
  garbage.end(`${SECRET} ${SECRET}\r\nauthorization: ${KEY}\r\n\r\n`);
  garbage.resume();
  await once(garbage, 'close');
  const client = connect(Number(port), '127.0.0.1');
  const body = JSON.stringify({ model: 'gpt-oss-20b', input: 'Count to 20.', instructions: SECRET, stream: true });
  client.write(
    `POST /v1/responses HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${KEY}\r\n` +
      `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  await once(client, 'data');
  client.destroy();
  await eventually('the line about the client', 10_000, () => {
    const left = linesSaying('turn').filter(({ outcome }) => outcome === 'aborted');
    return left.length === 1 ? left : null;
  });
});

it('says why engines ended and a request is refused, without the words of their logs', async () => {
  const { engines } = await getStatus();
  for (const { logFile } of engines) {
    appendFileSync(logFile ?? '', `(EngineCore pid=1) ERROR 11-24 10:00:00 [core.py:1] RuntimeError: bad ${SECRET}\n`);
  }
  const deadly = await create({ input: 'Tell me a long story.', instructions: SECRET });
  expect(deadly.status).toBe(400);
  const endings = await eventually('both engines to end', 20_000, () => {
    const phases = linesSaying('engine phase').filter(({ phase }) => phase === 'backoff');
    return phases.length >= 2 ? phases.map(({ sentence }) => sentence) : null;
  });
  expect(endings.join()).toContain('RuntimeError; its log has the rest');
  expect(linesSaying('attempt failed').slice(-2)).toMatchObject([
    { level: 40, outcome: 'moved', suspectHash: null },
    { level: 40, outcome: 'given_up', suspectHash: expect.any(String) },
  ]);
  expect(linesSaying('turn').at(-1)).toMatchObject({ outcome: 'failed' });
});

it('has said neither secret words nor keys, in its log, on its terminal or in its metrics', async () => {
  const { text: made } = await ask('POST', '/admin/keys', { name: 'new' }, ADMIN_KEY);
  const { key: newKey } = JSON.parse(made) as { key: string };
  expect((await ask('GET', '/v1/models', undefined, newKey)).status).toBe(200);
  const { text: metrics } = await ask('GET', '/metrics');
  expect(linesSaying('key made')).toHaveLength(1);
  expect(metrics).toContain('chorus_responses_total');
  for (const secret of [SECRET, KEY, ADMIN_KEY, WRONG_KEY, newKey]) {
    expect(told()).not.toContain(secret);
    expect(metrics).not.toContain(secret);
  }
  expect(linesSaying('request').map(({ route }) => route)).toContain('/v1/responses/:id');
});
