import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, describe, expect, it } from 'vitest';
import { replicasReady, startChorus, type RunningChorus } from '../support/chorus-process.ts';
import { eventually } from '../support/eventually.ts';
import {
  chorusWith,
  closeAll,
  engineOf,
  NO_LOCAL,
  open,
  reaches,
  READY_MS,
  remote,
  simulator,
} from '../support/remote-chorus.ts';
import { freePort, refuse, type RemoteEngine } from '../support/remote-engine.ts';
import { answerText, getJson, postResponse, streamResponse } from '../support/responses-client.ts';
import { selfSigned } from '../support/self-signed.ts';

const TWO_LOCAL = [
  '--engine',
  'simulated',
  '--replicas',
  '2',
  '--engine-arg=--sim-token-interval-ms',
  '--engine-arg=20',
];

afterEach(closeAll);

const sum = async (chorus: RunningChorus, a: number): Promise<string> =>
  (await postResponse(chorus.url, { input: `What is ${a} + 8?` })).body.output_text ?? '';

const logOf = ({ stateDir }: RunningChorus): string => readFileSync(join(stateDir, 'chorus.log'), 'utf8');

describe('an engine elsewhere', { timeout: 120_000 }, () => {
  it('answers alone, named by LEARNING_V2_MODAL_URL, on a machine without a GPU', async () => {
    const { url } = await remote({ basePath: '/base' });
    const environment = { ...process.env, LEARNING_V2_MODAL_URL: url };
    const chorus = await startChorus([], undefined, environment);
    open.push(chorus.stop);
    const { engines } = await replicasReady(chorus, 1, READY_MS);
    const { host } = new URL(url);
    expect(engines).toMatchObject([{ engineId: 'r0', kind: 'remote', host, model: 'gpt-oss-20b', pid: null }]);
    expect(chorus.output()).toContain(`Engines elsewhere answer: r0 (${host})`);
    expect(await sum(chorus, 7)).toBe('7 + 8 = 15.');

    const { stdout } = await execa(process.execPath, ['scripts/chorus.js', 'status', '--state-dir', chorus.stateDir]);
    expect(stdout).toMatch(new RegExp(`r0 +gpt-oss-20b +remote \\(${host}\\) +ready`));
    const page = await (await fetch(`${chorus.url}/metrics`)).text();
    expect(page).toMatch(/^vllm:generation_tokens_total\{replica="r0",/m);
    expect(page).toContain('chorus_engine_phase{replica="r0",model="gpt-oss-20b",phase="ready"} 1');
  });

  it('is reached by https under its base path, when its certificate is trusted', async () => {
    const tls = selfSigned();
    const { url, seen } = await remote({ tls, basePath: '/a/b' });
    const file = join(mkdtempSync(join(tmpdir(), 'chorus-ca-')), 'ca.pem');
    writeFileSync(file, tls.cert);
    const stranger = await chorusWith([{ url }], NO_LOCAL);
    expect((await reaches(stranger, 'r0', 'backoff')).sentence).toContain('certificate is not trusted');
    expect(seen).toEqual([]);

    const chorus = await chorusWith([{ url }], NO_LOCAL, { ...process.env, NODE_EXTRA_CA_CERTS: file });
    await replicasReady(chorus, 1, READY_MS);
    expect(await sum(chorus, 3)).toBe('3 + 8 = 11.');
    const last = seen.filter(({ path }) => path.endsWith('/generate')).at(-1);
    expect(last).toEqual({ path: '/a/b/inference/v1/generate', host: new URL(url).host, authorization: null });
  });

  it('gets its callers’ Authorization where that is asked for, another one Chorus’s key, and no log tells them', async () => {
    const forwarded = await remote();
    const keyed = await remote({ authorization: 'Bearer sk-own' });
    const engines = [
      { url: forwarded.url, name: 'theirs', forward_authorization: true },
      { url: keyed.url, name: 'ours', api_key_file: 'key' },
    ];
    const chorus = await chorusWith(engines, ['--engine', 'simulated', '--replicas', '1', '--log-level', 'debug']);
    await replicasReady(chorus, 3, READY_MS);
    const headers = { authorization: 'Bearer sk-caller' };
    for (let sent = 0; sent < 6; sent++) {
      const { body } = await postResponse(chorus.url, { input: 'What is 1 + 8?' }, headers);
      expect(body.output_text).toBe('1 + 8 = 9.');
    }
    const prompts = ({ seen }: RemoteEngine): string[] =>
      seen.filter(({ path }) => path.endsWith('/generate')).map(({ authorization }) => String(authorization));
    // The first is Chorus's own question.
    expect(prompts(forwarded)).toEqual(['null', 'Bearer sk-caller', 'Bearer sk-caller']);
    expect(prompts(keyed)).toEqual(['Bearer sk-own', 'Bearer sk-own', 'Bearer sk-own']);
    expect(logOf(chorus)).toContain('"engineId":"ours"');
    const status = JSON.stringify(await chorus.status());
    for (const text of [logOf(chorus), chorus.output(), status]) expect(text).not.toMatch(/sk-own|sk-caller/);
  });

  it('is refused with a sentence, and others go on, when it is not what it must be', async () => {
    const open = await remote();
    const closed = await remote();
    closed.answerInstead = (path, response) => {
      if (path === '/inference/v1/generate') refuse(response, 403, 'Scale-out endpoints are disabled.');
      else if (path === '/v1/completions') response.end(JSON.stringify({ choices: [{ text: 'Hello' }] }));
      else return false;
      return true;
    };
    const foreign = await remote();
    foreign.answerInstead = (path, response) => {
      if (path !== '/v1/models') return false;
      response.end(JSON.stringify({ data: [{ id: 'llama-3', max_model_len: 8192 }] }));
      return true;
    };
    const locked = await remote({ authorization: 'Bearer sk-other' });
    const moved = await remote();
    moved.answerInstead = (_, response) => {
      response.writeHead(307, { location: open.url }).end();
      return true;
    };
    const engines = [open, closed, foreign, locked, moved].map(({ url }) => ({ url }));
    const chorus = await chorusWith(engines, NO_LOCAL);
    await reaches(chorus, 'r0', 'ready');
    const sentences = await Promise.all(
      ['r1', 'r2', 'r3', 'r4'].map(async (id) => (await reaches(chorus, id, 'failed')).sentence),
    );
    expect(sentences).toEqual([
      expect.stringContaining('refused: it has no token endpoint'),
      expect.stringContaining("it serves 'llama-3', and not gpt-oss-20b or gpt-oss-120b"),
      expect.stringContaining('it asks for a key (401), and none is configured for it'),
      expect.stringContaining('it redirects (307) instead of answering'),
    ]);
    const { body } = await getJson<{ reason: string }>(`${chorus.url}/v1/models/gpt-oss-20b`);
    expect(body.reason).toContain('r1: refused: it has no token endpoint');
    expect(logOf(chorus)).toContain('it has no token endpoint');
    for (let sent = 0; sent < 3; sent++) expect(await sum(chorus, sent)).toBe(`${sent} + 8 = ${sent + 8}.`);
    expect(closed.seen.filter(({ path }) => path === '/inference/v1/generate')).toHaveLength(1);
  });

  it('that serves nothing that is asked for is told to the client at once', async () => {
    const keyless = await remote({ authorization: 'Bearer sk-other' });
    const chorus = await chorusWith([{ url: keyless.url }], NO_LOCAL);
    await reaches(chorus, 'r0', 'failed');
    const { status, body } = await postResponse<object>(chorus.url, { input: 'Say OK.' });
    expect(status).toBe(503);
    expect(body).toMatchObject({ error: { message: expect.stringContaining('it asks for a key (401)') } });
  });

  it('comes back by itself after it was gone, and is drained and taken back by order', async () => {
    const port = await freePort();
    const first = await simulator({ port });
    const chorus = await chorusWith([{ url: `http://localhost:${port}`, name: 'modal' }], NO_LOCAL);
    await replicasReady(chorus, 1, READY_MS);
    await first.kill();
    const away = await reaches(chorus, 'modal', 'backoff');
    expect(away.sentence).toContain('it cannot be reached');
    const waiting = postResponse(chorus.url, { input: 'What is 2 + 8?' });
    await simulator({ port });
    expect((await waiting).body.output_text).toBe('2 + 8 = 10.');
    expect(await engineOf(chorus, 'modal')).toMatchObject({ phase: 'ready', mayBecomeReady: true });

    const order = (name: string): Promise<{ stdout: string }> =>
      execa(process.execPath, ['scripts/chorus.js', name, 'modal', '--state-dir', chorus.stateDir]);
    expect((await order('drain')).stdout).toContain('modal: stopped after');
    expect((await postResponse<object>(chorus.url, { input: 'Say OK.' })).status).toBe(503);
    expect((await order('start')).stdout).toContain('modal: ready after');
    expect((await order('start')).stdout).toContain('modal: ready after');
    expect(await sum(chorus, 4)).toBe('4 + 8 = 12.');
  });

  it('takes over from local ones under streams, and they from it', async () => {
    const port = await freePort();
    const slow = { port, flags: ['--sim-token-interval-ms', '20'] };
    const far = await simulator(slow);
    const chorus = await chorusWith([{ url: `http://127.0.0.1:${port}` }], TWO_LOCAL);
    const { engines } = await replicasReady(chorus, 3, READY_MS);
    const stories = (count: number): Promise<string[]> =>
      Promise.all(
        Array.from({ length: count }, async () => {
          const { response } = await streamResponse(chorus.url, { input: 'Tell me a long story.', temperature: 0 });
          return `${response.status} ${answerText(response)}`;
        }),
      );
    const inFlight = (engineId: string): Promise<unknown> =>
      eventually(`work on ${engineId}`, READY_MS, async () => (await engineOf(chorus, engineId)).inFlight > 0 || null);

    const overRemote = stories(6);
    await inFlight('r0');
    await far.kill();
    const afterRemote = new Set(await overRemote);
    expect([...afterRemote]).toEqual([expect.stringMatching(/^completed .{100}/)]);

    await simulator(slow);
    await reaches(chorus, 'r0', 'ready');
    const overLocal = stories(6);
    await inFlight('e0');
    process.kill(-(engines[0]?.pid ?? expect.fail()), 'SIGKILL');
    expect(new Set(await overLocal)).toEqual(afterRemote);
  });

  it('whose key is changed leaves rotation within seconds', async () => {
    const keyed = await remote({ authorization: 'Bearer sk-own' });
    const chorus = await chorusWith(
      [{ url: keyed.url, api_key_file: 'key' }],
      ['--engine', 'simulated', '--replicas', '1'],
    );
    await replicasReady(chorus, 2, READY_MS);
    keyed.answerInstead = (path, response) => {
      if (!/^\/(v1|inference)\//.test(path)) return false;
      refuse(response, 401, 'Unauthorized');
      return true;
    };
    for (let sent = 0; sent < 2; sent++) expect(await sum(chorus, sent)).toBe(`${sent} + 8 = ${sent + 8}.`);
    const { sentence } = await reaches(chorus, 'r0', 'unhealthy');
    expect(sentence).toContain('it refuses the key of its api_key_file (401)');
    keyed.answerInstead = null;
    await reaches(chorus, 'r0', 'ready');
  });
});
