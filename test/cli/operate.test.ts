import { PassThrough } from 'node:stream';
import { Command } from 'commander';
import { request } from 'undici';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { addEngineCommands } from '../../src/cli/engine-commands.ts';
import { addLogsCommand } from '../../src/cli/logs.ts';
import { status } from '../../src/cli/status.ts';
import { Refusal } from '../../src/domain/refusal.ts';
import { replicasReady, startChorus, type RunningChorus } from '../support/chorus-process.ts';
import { eventually } from '../support/eventually.ts';
import { getJson, streamResponse } from '../support/responses-client.ts';

let running: RunningChorus;

beforeAll(async () => {
  const pace = ['--engine-arg=--sim-token-interval-ms', '--engine-arg=20'];
  running = await startChorus(['--engine', 'simulated', '--replicas', '2', ...pace]);
  await replicasReady(running, 2, 30_000);
}, 60_000);

afterAll(async () => {
  expect(await running.stop()).toBe(0);
});

/** What a command prints. */
async function chorus(...args: readonly string[]): Promise<string[]> {
  const printed = new PassThrough();
  const program = new Command().exitOverride();
  addEngineCommands(program, (text) => void printed.write(`${text}\n`));
  addLogsCommand(program, printed);
  await program.parseAsync([...args, '--state-dir', running.stateDir], { from: 'user' });
  printed.end();
  return String(printed.read() ?? '')
    .trimEnd()
    .split('\n');
}

it('an engine is restarted when its answers have finished, and none is cut', { timeout: 60_000 }, async () => {
  const stories = Array.from({ length: 4 }, () => streamResponse(running.url, { input: 'Tell me a long story.' }));
  await eventually('two stories on each engine', 10_000, async () =>
    (await running.status()).engines.every(({ inFlight }) => inFlight === 2) ? true : null,
  );
  const lines = await chorus('restart', 'e0');
  expect(lines[0]).toMatch(/^e0: [12] answers? finish(es)? \(\d+ s left\)$/);
  expect(lines.at(-1)).toMatch(/^e0: ready again after \d+ s$/);
  const ends = await Promise.all(stories);
  expect(ends.map(({ response }) => response.status)).toEqual(ends.map(() => 'completed'));
});

it('a drained engine stays stopped until it is started', { timeout: 60_000 }, async () => {
  const drained = await chorus('drain', 'e1');
  expect(drained.at(-1)).toMatch(/^e1: stopped after .*; `chorus start e1` starts it again$/);
  const lines = (await status(running.stateDir, { json: false })).split('\n');
  expect([lines[1], lines.at(-1)]).toEqual([
    'ready: 1 of 2 replicas in rotation.',
    '  e1: it was stopped; `chorus start e1` starts it.',
  ]);
  const started = await chorus('start', 'e1', '--json');
  expect(JSON.parse(started.join('\n'))).toMatchObject({ engineId: 'e1', phase: 'ready' });
});

it('an engine that there is not is told with those that there are', { timeout: 60_000 }, async () => {
  await expect(chorus('drain', 'e9')).rejects.toEqual(
    new Refusal('usage', "There is no engine 'e9'. There are e0, e1."),
  );
  await expect(chorus('restart')).rejects.toEqual(
    new Refusal('usage', 'Name the engine to restart, or give --all; `chorus status` lists them.'),
  );
});

it('the logs of Chorus and its engines stand behind their names', { timeout: 60_000 }, async () => {
  const lines = await chorus('logs', '-n', '1');
  expect(lines.map((line) => line.slice(0, 9))).toEqual(['chorus | ', 'e0     | ', 'e1     | ']);
  const [own = ''] = await chorus('logs', 'chorus', '-n', '1', '--json');
  expect(JSON.parse(own)).toMatchObject({ source: 'chorus', msg: 'engine phase', phase: 'ready' });
});

it(
  'the same is there over HTTP: the plan, and a log that is followed until Chorus or its reader goes',
  { timeout: 60_000 },
  async () => {
    expect((await getJson(`${running.url}/admin/plan`)).body).toMatchObject({ model: 'gpt-oss-20b' });
    expect(await getJson(`${running.url}/admin/engines/e9/logs`)).toMatchObject({
      status: 404,
      body: { error: { message: "There is no engine 'e9'. There are chorus, e0, e1." } },
    });
    const { body, headers } = await request(`${running.url}/admin/engines/e0/logs?follow=true&lines=1`);
    expect(headers['content-type']).toBe('text/plain; charset=utf-8');
    let text = '';
    body.on('data', (bytes: Buffer) => (text += bytes.toString())).on('error', () => {});
    await eventually('its last line', 10_000, () => (text.endsWith('\n') ? true : null));
    expect(text.split('\n').length).toBe(2);
    const lines = await chorus('restart', '--all');
    expect(lines.filter((line) => line.includes('ready again')).map((line) => line.slice(0, 2))).toEqual(['e0', 'e1']);
    await eventually('the lines of the next start', 10_000, () =>
      text.includes('Application startup complete.', text.indexOf('\n') + 1) ? true : null,
    );
    body.destroy();
  },
);

it('a log is followed no longer than somebody reads', { timeout: 60_000 }, async () => {
  const printed = new PassThrough({ highWaterMark: 1 });
  const program = new Command().exitOverride();
  addLogsCommand(program, printed);
  const ended = program.parseAsync(['logs', '-f', '--state-dir', running.stateDir], { from: 'user' });
  printed.once('data', () => printed.destroy(new Error('write EPIPE')));
  await ended;
});
