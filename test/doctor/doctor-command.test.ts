import { createServer } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { DoctorCheck } from '../../src/doctor/check.ts';
import { FakeHub } from '../support/fake-hub.ts';
import { FakeMachine } from '../support/fake-nvidia-smi.ts';
import { FakeInstallers } from '../support/fake-uv.ts';

const CHORUS = fileURLToPath(new URL('../../scripts/chorus.js', import.meta.url));
const BROKEN =
  "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver is installed and running.";

let machine: FakeMachine;
let hub: FakeHub;
beforeEach(async () => {
  machine = new FakeMachine();
  hub = await FakeHub.start();
  const installers = new FakeInstallers(machine);
  installers.behave('works');
});
afterEach(async () => {
  await hub[Symbol.asyncDispose]();
  machine.remove();
});

async function doctor(...flags: readonly string[]) {
  const state = join(machine.root, 'state');
  const { exitCode, stdout } = await execa(process.execPath, [CHORUS, 'doctor', '--state-dir', state, ...flags], {
    env: machine.env({ HF_ENDPOINT: hub.endpoint, HOME: machine.root, CHORUS_CONFIG: '' }),
    extendEnv: false,
    reject: false,
    timeout: 30_000,
  });
  expect(existsSync(state)).toBe(false);
  return { exitCode, stdout };
}

it('on a machine with a broken driver it prints the fix and ends with 69', async () => {
  machine.installNvidiaSmi(`echo "${BROKEN}"; exit 9`);
  const { exitCode, stdout } = await doctor('--port', '0');
  expect(exitCode).toBe(69);
  expect(stdout).toContain('fail    driver');
  expect(stdout).toContain(
    '  driver: Run `sudo modprobe nvidia`. If that fails, install the driver for the running kernel',
  );
  expect(stdout.split('\n').at(-1)).toBe('1 of 20 checks fails: this machine cannot serve yet.');
});

it('says every check as JSON, and names who holds the port', async () => {
  machine.installNvidiaSmi(`echo "${BROKEN}"; exit 9`);
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const { exitCode, stdout } = await doctor('--json', '--port', String(port));
  server.close();
  expect(exitCode).toBe(69);
  const { checks } = JSON.parse(stdout) as { checks: DoctorCheck[] };
  expect(checks.filter(({ status }) => status === 'fail').map(({ id }) => id)).toEqual(['driver', 'port']);
  expect(checks.find(({ id }) => id === 'port')?.value).toContain(`(pid ${process.pid})`);
});

it('on a machine without a GPU it ends with 69 and says how Chorus can be tried there', async () => {
  const { exitCode, stdout } = await doctor('--port', '0');
  expect(exitCode).toBe(69);
  expect(stdout).toContain('fail    driver           Nothing of NVIDIA is visible on this machine.');
  expect(stdout).toContain('  driver: To try Chorus here without a GPU: chorus serve --engine simulated');
});

it('where nothing prevents serving it ends with 0', async () => {
  const { exitCode, stdout } = await doctor('--engine', 'simulated', '--port', '0');
  expect(stdout.split('\n').at(-1)).toMatch(/^Nothing prevents serving \(20 checks, (1 warning|\d warnings)\)\.$/);
  expect(exitCode).toBe(0);
});
