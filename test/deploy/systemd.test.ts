import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { EXIT_CODES } from '../../src/domain/refusal.ts';
import { livingServer } from '../../src/system/state-directory.ts';
import { newStateDir, replicasReady, startChorus } from '../support/chorus-process.ts';
import { eventually } from '../support/eventually.ts';
import { missingPrograms } from '../support/programs.ts';
import { startServiceManager } from '../support/service-manager.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const UNITS = join(ROOT, 'configs/systemd');
const UNIT = join(UNITS, 'chorus.service');
/** A whole life of the server, on a machine that does much else. */
const LIFE = { timeout: 90_000 };
const SIMULATED = ['--engine', 'simulated', '--replicas', '1'];

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

it(
  'the service manager is told in order, by Chorus alone: more time, READY with a token, a reload, the end',
  LIFE,
  async (test) => {
    const missing = missingPrograms(['systemd-notify', '--version'], ['systemd-socket-activate', '--version']);
    if (missing) test.skip(missing);
    const { socket, told, close } = await startServiceManager();
    ends.push(close);
    const environment = { ...process.env, NOTIFY_SOCKET: socket, WATCHDOG_USEC: '1000000' };
    const slowly = ['--engine-arg=--sim-startup-ms', '--engine-arg=1500'];
    const chorus = await startChorus([...SIMULATED, ...slowly], undefined, environment);
    ends.push(() => chorus.process.exitCode ?? chorus.stop());
    const { engines } = await replicasReady(chorus, 1, 30_000);
    const inherited = readFileSync(`/proc/${engines[0]?.pid}/environ`, 'utf8').split('\0');
    expect(inherited.filter((line) => /^(NOTIFY|WATCHDOG|LISTEN)_/.test(line))).toEqual([]);

    const ready = await eventually('READY', 30_000, () => told.findIndex(({ READY }) => READY === '1') + 1 || null);
    const since = () => told.slice(ready);
    await eventually('the watchdog', 30_000, () => since().some(({ WATCHDOG }) => WATCHDOG === '1') || null);
    chorus.process.kill('SIGHUP');
    await eventually('the end of the reload', 30_000, () => since().some(({ READY }) => READY) || null);
    expect(await chorus.stop()).toBe(0);

    const loading = told.slice(0, ready - 1);
    expect(loading[0]).toMatchObject({ EXTEND_TIMEOUT_USEC: '90000000', STATUS: expect.stringMatching(/^e0: /) });
    expect(loading.filter(({ STATUS }) => STATUS?.includes('in rotation'))).toEqual([]);
    const turns = told.filter((message) => ['READY', 'RELOADING', 'STOPPING'].some((key) => key in message));
    expect(turns).toEqual([
      { READY: '1', STATUS: '1 of 1 replicas in rotation.' },
      { RELOADING: '1', MONOTONIC_USEC: expect.stringMatching(/^\d{6,}$/) },
      { READY: '1', STATUS: 'The settings were read again.' },
      { STOPPING: '1', EXTEND_TIMEOUT_USEC: '60000000', STATUS: 'Stopping: running answers may finish for 30 s.' },
    ]);
  },
);

it('a service manager that cannot be told changes nothing but a line', LIFE, async () => {
  const environment = { ...process.env, NOTIFY_SOCKET: '/nowhere/notify' };
  const chorus = await startChorus(SIMULATED, undefined, environment);
  ends.push(() => chorus.process.exitCode ?? chorus.stop());
  await replicasReady(chorus, 1, 30_000);
  expect(await chorus.stop()).toBe(0);
  expect(chorus.output().match(/The service manager cannot be told how Chorus is: /g)).toHaveLength(1);
});

interface Activated {
  readonly stateDir: string;
  readonly output: () => string;
}

describe('a socket of the service manager', () => {
  const missing = missingPrograms(['systemd-socket-activate', '--version']);

  async function freePort(): Promise<number> {
    const server = createServer();
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }

  /** Keeps the socket and starts Chorus again when it has ended, as systemd does. */
  const RESTARTING = [
    'sh',
    '-c',
    `trap 'kill $!; wait; exit' TERM; while :; do sh -c 'LISTEN_PID=$$ exec "$@"' - "$@" & wait; done`,
    '-',
  ];

  /** systemd-socket-activate becomes Chorus, or what starts it, when the first client comes. */
  function activate(address: string, starter: readonly string[] = []): Activated {
    const stateDir = newStateDir();
    const command = [...starter, process.execPath, 'src/cli/main.ts', 'serve', '--port', '1', '--state-dir', stateDir];
    const child = spawn('systemd-socket-activate', ['--listen', address, ...command, ...SIMULATED], { cwd: ROOT });
    ends.push(async () => {
      if (child.exitCode === null && child.kill('SIGTERM')) await once(child, 'exit');
      rmSync(stateDir, { recursive: true, force: true });
    });
    let printed = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (printed += String(chunk)));
    return { stateDir, output: () => printed };
  }

  const livingPid = (stateDir: string): number | null => livingServer(stateDir)?.pid ?? null;

  it('is served on, with the client that was there before the start', LIFE, async (test) => {
    if (missing) test.skip(missing);
    const port = await freePort();
    const { output } = activate(`127.0.0.1:${port}`);
    await eventually('the socket', 30_000, () => (output().includes('Listening on') ? true : null));
    const answer = await fetch(`http://127.0.0.1:${port}/v1/models`);
    expect([answer.status, await answer.json()]).toEqual([200, expect.objectContaining({ object: 'list' })]);
    expect(output()).toContain(
      `Listening on the socket that the service manager opened (127.0.0.1:${port}): server.host and server.port have no effect.`,
    );
  });

  it('takes every request while Chorus is restarted: who connects meanwhile waits', LIFE, async (test) => {
    if (missing) test.skip(missing);
    const port = await freePort();
    const ask = async (): Promise<number> => {
      const body = JSON.stringify({ model: 'gpt-oss-20b', input: 'Say OK.', store: false });
      // A connection each: one that is kept would be answered by the process that ends.
      const headers = { connection: 'close', 'content-type': 'application/json' };
      const answer = await fetch(`http://127.0.0.1:${port}/v1/responses`, { method: 'POST', headers, body });
      return answer.status;
    };
    const tryAsking = (): Promise<number> => ask().catch(() => 0);
    const { stateDir, output } = activate(`127.0.0.1:${port}`, RESTARTING);
    await eventually('the socket', 30_000, () => (output().includes('Listening on') ? true : null));
    await tryAsking();
    const first = livingPid(stateDir);
    const answers: number[] = [];
    const over = new AbortController();
    ends.push(() => over.abort());
    const clients = [1, 2, 3].map(async () => {
      while (!over.signal.aborted) answers.push(await tryAsking());
    });
    await eventually('requests before', 30_000, () => (answers.length > 20 ? true : null));
    process.kill(first ?? expect.fail('no server'), 'SIGTERM');
    const second = await eventually('the next server', 30_000, () => {
      const pid = livingPid(stateDir);
      return pid === first ? null : pid;
    });
    const before = answers.length;
    await eventually('requests after', 30_000, () => (answers.length > before + 20 ? true : null));
    over.abort();
    await Promise.all(clients);
    expect(answers.filter((status) => status !== 200)).toEqual([]);
    expect(second).not.toBe(first);
  });

  it('asks for a key where it is public, whatever the settings say', LIFE, async (test) => {
    if (missing) test.skip(missing);
    const port = await freePort();
    const { output } = activate(`0.0.0.0:${port}`);
    await eventually('the socket', 30_000, () => (output().includes('Listening on') ? true : null));
    const answer = await fetch(`http://127.0.0.1:${port}/v1/models`);
    expect(answer.status).toBe(401);
  });
});

describe('the units', () => {
  const missing = missingPrograms(['systemd-analyze', '--version']);

  /** The units with this clone in the place of the installation, so that their programs are looked for. */
  function installed(): { service: string; all: readonly string[] } {
    const folder = mkdtempSync(join(tmpdir(), 'chorus-units-'));
    ends.push(() => rmSync(folder, { recursive: true, force: true }));
    cpSync(UNITS, folder, { recursive: true });
    const service = join(folder, 'chorus.service');
    writeFileSync(service, readFileSync(UNIT, 'utf8').replaceAll('/opt/chorus', ROOT));
    return { service, all: readdirSync(folder).map((name) => join(folder, name)) };
  }

  it('are accepted by systemd without a word', (test) => {
    if (missing) test.skip(missing);
    const { all } = installed();
    expect(all).toHaveLength(3);
    const { status, stdout, stderr } = spawnSync('systemd-analyze', ['--man=no', 'verify', ...all]);
    expect([status, String(stdout), String(stderr)]).toEqual([0, '', '']);
  });

  it('are installed by the commands of the README, but for the socket, which is optional', () => {
    const command = /^sudo install .*(?= \/etc\/systemd\/system\/$)/m.exec(
      readFileSync(join(ROOT, 'README.md'), 'utf8'),
    );
    const named = command?.[0].match(/(?<=configs\/systemd\/)\S+/g);
    expect(named?.toSorted()).toEqual(readdirSync(UNITS).filter((name) => name.endsWith('.service')));
  });

  it('make the devices before the service, where no device policy holds, and go on without them', () => {
    const words = (file: string, key: string): string[] =>
      [...readFileSync(file, 'utf8').matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].flatMap(([, value]) => value ?? []);
    for (const key of ['After', 'Wants'])
      expect(words(UNIT, key).join(' ').split(' ')).toContain('chorus-devices.service');
    expect(words(UNIT, 'Requires')).toEqual([]);
    const devices = join(UNITS, 'chorus-devices.service');
    // `-`: a program that is missing or fails is no failure. A oneshot without a deadline has none.
    expect(words(devices, 'ExecStart').map((command) => command.split(' ')[0])).toEqual([
      '-/usr/bin/nvidia-smi',
      '-/usr/bin/nvidia-modprobe',
    ]);
    expect(Number(words(devices, 'TimeoutStartSec'))).toBeGreaterThan(0);
    expect(words(devices, '(?:Device|PrivateDevices|User|DynamicUser|CapabilityBoundingSet)\\w*')).toEqual([]);
  });

  it('give the service little: an exposure below 3.0', (test) => {
    if (missing) test.skip(missing);
    const args = ['security', '--offline=true', '--no-pager', installed().service];
    const { stdout } = spawnSync('systemd-analyze', args);
    const exposure = /Overall exposure level for chorus.service: ([\d.]+)/.exec(String(stdout))?.[1];
    expect(Number(exposure)).toBeLessThan(3);
  });

  it('start it again after what may pass, however often, and not after what will not', () => {
    const unit = readFileSync(UNIT, 'utf8');
    expect(unit).toMatch(/^StartLimitIntervalSec=0$/m);
    const prevented = /^RestartPreventExitStatus=(.*)$/m.exec(unit)?.[1]?.split(' ').map(Number);
    const { usage, data, noInput, noPermission, config } = EXIT_CODES;
    expect(prevented).toEqual([usage, data, noInput, noPermission, config]);
  });
});
