import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { request } from 'undici';
import { afterEach, expect, it } from 'vitest';
import type { ReloadReport } from '../../src/deployment/deployment.ts';
import {
  newStateDir,
  killProcessesNaming,
  replicasReady,
  startChorus,
  type RunningChorus,
} from '../support/chorus-process.ts';
import { eventually } from '../support/eventually.ts';
import { answerText, postResponse } from '../support/responses-client.ts';

let stateDir = '';

afterEach(() => {
  killProcessesNaming(stateDir);
  rmSync(stateDir, { recursive: true, force: true });
});

const configure = (yaml: string): void => writeFileSync(join(stateDir, 'config.yaml'), yaml);

async function serving(yaml: string): Promise<RunningChorus> {
  stateDir = newStateDir();
  configure(yaml);
  const running = await startChorus(['--engine', 'simulated'], stateDir);
  await replicasReady(running, 2, 30_000);
  return running;
}

const reload = async ({ url }: RunningChorus): Promise<{ readonly status: number; readonly body: unknown }> => {
  const { statusCode, body } = await request(`${url}/admin/reload`, { method: 'POST' });
  return { status: statusCode, body: await body.json() };
};

/** Asks again and again, on connections that are kept, until it is told to end; gives every answer. */
function askOn({ url }: RunningChorus): { readonly end: () => Promise<string[]> } {
  const over = new AbortController();
  const ask = async (): Promise<string[]> => {
    const answers: string[] = [];
    while (!over.signal.aborted) {
      const { status, body } = await postResponse(url, { input: 'What is 7 + 8?' });
      answers.push(status === 200 ? answerText(body) : JSON.stringify(body));
    }
    return answers;
  };
  const clients = [ask(), ask(), ask()];
  return {
    end: async () => {
      over.abort();
      return (await Promise.all(clients)).flat();
    },
  };
}

it('a reload replaces engines one after another, and no request fails meanwhile', { timeout: 60_000 }, async () => {
  const running = await serving('engine: {replicas: 2}\n');
  const before = await running.status();
  const clients = askOn(running);
  configure('engine: {replicas: 2, args: [--max-num-seqs, 64]}\ndefault_temperature: 0.5\nserver: {host: "::1"}\n');
  const { status, body } = await reload(running);
  expect([status, (body as ReloadReport).changes]).toEqual([
    200,
    [
      { path: 'engine.args', from: [], to: ['--max-num-seqs', 64], takesEffect: 'engines' },
      { path: 'server.host', from: '127.0.0.1', to: '::1', takesEffect: 'restart' },
      { path: 'default_temperature', from: 1, to: 0.5, takesEffect: 'at_once' },
    ],
  ]);
  const after = await eventually('the end of the change', 60_000, async () => {
    const report = await running.status();
    const isNew = report.engines.every(({ pid }) => !before.engines.some((engine) => engine.pid === pid));
    return report.roll === null && isNew && report.engines.every(({ phase }) => phase === 'ready') ? report : null;
  });
  const answers = await clients.end();
  expect(answers.filter((answer) => answer !== '7 + 8 = 15.')).toEqual([]);
  expect(answers.length).toBeGreaterThan(10);
  expect(after.engines.map(({ engineId }) => engineId)).toEqual(['e0', 'e1']);
  const unstated = await postResponse(running.url, { input: 'What is 7 + 8?', temperature: undefined });
  expect(unstated.body.temperature).toBe(0.5);
  expect(await running.stop()).toBe(0);
});

it(
  'wrong settings are refused with every problem, and SIGHUP reads them again once they are right',
  { timeout: 60_000 },
  async () => {
    const running = await serving('engine: {replicas: 2}\n');
    configure('engine: {replicas: 2}\ndrain_seconds: -1\ntemperature: 0\n');
    const { status, body } = await reload(running);
    expect([status, body]).toMatchObject([409, { error: { code: 'reload_refused' } }]);
    const { message } = (body as { error: { message: string } }).error;
    expect(message).toContain('Nothing is changed. The settings have 2 problems:');
    expect(message).toContain('drain_seconds is -1');
    expect(message).toContain('temperature is unknown.');
    configure('engine: {replicas: 1}\n');
    running.process.kill('SIGHUP');
    await eventually('one replica', 30_000, async () => ((await running.status()).engines.length === 1 ? true : null));
    expect(running.output()).toContain('engine.replicas: 2 -> 1 (engines follow)');
    expect((await postResponse(running.url, { input: 'What is 7 + 8?' })).status).toBe(200);
    expect(await running.stop()).toBe(0);
  },
);

it('a SIGHUP that comes before anything can be reloaded is answered once it can', { timeout: 90_000 }, async () => {
  stateDir = newStateDir();
  configure('engine: {replicas: 1}\n');
  // The first line is printed while the settings have been read and nothing listens.
  const atTheFirstLine = `const write = process.stdout.write;
    process.stdout.write = function (...line) {
      process.stdout.write = write;
      process.kill(process.pid, 'SIGHUP');
      return write.apply(process.stdout, line);
    };`;
  const preload = `data:text/javascript,${encodeURIComponent(atTheFirstLine)}`;
  const program = ['--import', preload, 'src/cli/main.ts'];
  const running = await startChorus(['--engine', 'simulated'], stateDir, process.env, program);
  await eventually('the reload', 30_000, () => running.output().includes('no setting has changed') || null);
  expect(await running.stop()).toBe(0);
});
