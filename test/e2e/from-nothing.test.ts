import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  killProcessesNaming,
  processesNaming,
  replicasReady,
  startChorus,
  type RunningChorus,
} from '../support/chorus-process.ts';
import { eventually } from '../support/eventually.ts';
import { FakeHub, REVISION } from '../support/fake-hub.ts';
import { FakeMachine } from '../support/fake-nvidia-smi.ts';
import { FakeInstallers } from '../support/fake-uv.ts';
import { fakeGpus, fakeLedger } from '../support/gpu-machine/ledger.ts';
import { getJson, postResponse } from '../support/responses-client.ts';

const MODEL = `models/openai--gpt-oss-20b/${REVISION}`;
/** Long enough that every phase is seen. */
const SLOW_START = ['--engine-arg=--sim-startup-ms', '--engine-arg=1500'];

interface ModelView {
  readonly id: string;
  readonly state: string;
  readonly progress: { readonly phase: string; readonly percent: number | null; readonly left_seconds: number | null };
}

let machine: FakeMachine;
let hub: FakeHub;
let installers: FakeInstallers;
let stateDir: string;
beforeEach(async () => {
  machine = new FakeMachine();
  machine.installGpus(fakeLedger(fakeGpus(8, 'h100')));
  hub = await FakeHub.start();
  installers = new FakeInstallers(machine);
  installers.behave('works');
  stateDir = join(machine.root, 'state');
});
afterEach(async () => {
  killProcessesNaming(machine.root);
  await hub[Symbol.asyncDispose]();
  machine.remove();
});

/** `chorus serve` with nothing of this machine on its PATH. */
function serve(...flags: string[]): Promise<RunningChorus> {
  const environment = machine.env({
    HF_ENDPOINT: hub.endpoint,
    HOME: machine.root,
    CHORUS_SIM_GPU_LEDGER: machine.ledgerFile,
  });
  const all = ['--model', 'gpt-oss-20b', '--yes', ...SLOW_START, ...flags];
  return startChorus(all, stateDir, environment);
}

async function modelOf({ url }: RunningChorus): Promise<ModelView> {
  return (await getJson<ModelView>(`${url}/v1/models/gpt-oss-20b`)).body;
}

const isDone = (): boolean[] =>
  ['vllm/0.32.0-cu130/chorus-complete.json', `${MODEL}/chorus-complete.json`].map((path) =>
    existsSync(join(stateDir, path)),
  );

describe('chorus serve on a machine with eight H100, no vLLM and no weights', () => {
  it('goes from nothing to an answer in one command, and knows at the next start how long it takes', async () => {
    hub.slowTo(300_000);
    const first = await serve();
    const answer = postResponse(first.url, { input: 'Say OK.' });
    const seen = new Set<string>();
    await eventually('the first replica', 60_000, async () => {
      const { state, progress } = await modelOf(first);
      if (progress) seen.add(progress.phase);
      return state === 'ready' || null;
    });
    expect((await answer).status).toBe(200);
    expect([...seen]).toEqual(expect.arrayContaining(['download', 'program']));
    await replicasReady(first, 8, 60_000);
    expect(first.output()).toMatch(/download \d+ %, .* of .*: /);
    expect(first.output()).toContain('installing vLLM');
    for (const phase of ['loading weights', 'warming up', 'starting the API server']) {
      expect(first.output()).toMatch(new RegExp(`e0: starting for .*: ${phase}`));
    }
    expect(first.output()).toContain('e0: in rotation');
    expect(await first.stop()).toBe(0);
    expect(isDone()).toEqual([true, true]);

    const { length: requests } = hub.requests;
    const second = await serve('--replicas', '1');
    const estimate = await eventually('an estimate', 20_000, async () => {
      const { progress } = await modelOf(second);
      return progress?.left_seconds != null && progress.left_seconds > 0 ? progress : null;
    });
    expect(estimate.percent).toBeGreaterThanOrEqual(0);
    expect(estimate.left_seconds).toBeLessThan(30);
    await replicasReady(second, 1, 30_000);
    expect(second.output()).toMatch(/e0: starting for .* \(\d+ %, about \d+ s left\)/);
    expect(hub.requests).toHaveLength(requests);
    expect(await second.stop()).toBe(0);
  }, 120_000);

  it('is interrupted while it installs and downloads, leaves nothing behind, and goes on from there', async () => {
    installers.behave('hangs');
    hub.slowTo(200_000);
    const first = await serve('--replicas', '1');
    await eventually('both steps', 20_000, async () => {
      const { setup } = await first.status();
      const isDownloading = setup.some(({ step, doneBytes }) => step === 'download' && doneBytes > 50_000);
      return (installers.hangingPid !== null && isDownloading) || null;
    });
    expect(await first.stop()).toBe(0);
    expect(processesNaming(machine.root)).toEqual([]);
    expect(isDone()).toEqual([false, false]);

    installers.behave('works');
    hub.slowTo(Infinity);
    const { length: before } = hub.downloads;
    const second = await serve('--replicas', '1');
    await replicasReady(second, 1, 60_000);
    expect(hub.downloads.slice(before).some(({ range }) => range !== null)).toBe(true);
    expect(isDone()).toEqual([true, true]);
    expect(await second.stop()).toBe(0);
  }, 90_000);

  it('is interrupted while an engine starts, and the next start serves', async () => {
    const first = await serve('--replicas', '1', '--engine-arg=--sim-startup-ms', '--engine-arg=30000');
    await eventually('a starting engine', 30_000, async () => (await first.status()).engines[0]?.pid ?? null);
    expect(await first.stop()).toBe(0);
    expect(processesNaming(machine.root)).toEqual([]);
    const second = await serve('--replicas', '1');
    await replicasReady(second, 1, 30_000);
    expect(await second.stop()).toBe(0);
  }, 90_000);

  it('is killed while its engines hold every card, and the next start ends them before it plans', async () => {
    machine.installGpus(fakeLedger(fakeGpus(2, 'h100')));
    const first = await serve();
    await replicasReady(first, 2, 30_000);
    first.process.kill('SIGKILL');
    await eventually('its end', 5000, () => first.process.signalCode);
    expect(processesNaming(machine.root)).not.toEqual([]);
    const second = await serve();
    expect(second.output()).toMatch(/^Ended what a killed Chorus had left running \(process groups \d+, \d+\)\.\n/);
    await replicasReady(second, 2, 30_000);
    expect(await second.stop()).toBe(0);
  }, 90_000);

  it('ends with the reason and the fix when the download is refused', async () => {
    hub.fail('config.json', { kind: 'status', status: 403 }, 20);
    const running = await serve('--replicas', '1');
    const exitCode = await eventually('the end', 30_000, () => running.process.exitCode);
    expect(exitCode).toBe(77);
    expect(running.output()).toContain('Accept the terms of the repository on its page');
    expect(processesNaming(machine.root)).toEqual([]);
    expect(readFileSync(join(stateDir, 'chorus.log'), 'utf8')).toContain('setup begins');
  }, 60_000);

  it('is refused before a byte is downloaded when the driver runs no vLLM, with the fix', async () => {
    machine.installGpus(fakeLedger(fakeGpus(1, 'h100'), { driverVersion: '470.82.01' }));
    const refused = serve();
    await expect(refused).rejects.toThrow(/chorus ended with 69:[^]*Update the NVIDIA driver to 580 or newer/);
    expect(hub.downloads).toEqual([]);
    expect(isDone()).toEqual([false, false]);
  });

  it.each([
    { when: 'the hub refuses the token', variables: {}, exitCode: 77, said: 'The token in HF_TOKEN' },
    { when: 'HF_ENDPOINT is none', variables: { HF_ENDPOINT: 'none' }, exitCode: 64, said: 'HF_ENDPOINT is none' },
  ])('ends with the exit code of the reason when $when', async ({ variables, exitCode, said }) => {
    hub.fail('listing', { kind: 'status', status: 401 });
    const environment = machine.env({ HF_ENDPOINT: hub.endpoint, HF_TOKEN: 'wrong', HOME: machine.root, ...variables });
    const refused = startChorus(['--model', 'gpt-oss-20b', '--yes'], stateDir, environment);
    await expect(refused).rejects.toThrow(new RegExp(`chorus ended with ${exitCode}:[^]*weights: .*${said}`));
    expect(isDone()).toEqual([false, false]);
  });

  it('asks nobody where nobody can answer, and names the flag', async () => {
    const environment = machine.env({ HF_ENDPOINT: hub.endpoint, HOME: machine.root });
    const refused = startChorus(['--model', 'gpt-oss-20b'], stateDir, environment);
    await expect(refused).rejects.toThrow(
      /chorus ended with 64:[^]*Chorus has to install vLLM .* give --yes to allow it/,
    );
    expect(hub.downloads).toEqual([]);
  });
});
