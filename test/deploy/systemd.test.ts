import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { EXIT_CODES } from '../../src/domain/refusal.ts';
import { newStateDir, replicasReady, startChorus, type RunningChorus } from '../support/chorus-process.ts';
import { eventually } from '../support/eventually.ts';
import { missingPrograms } from '../support/programs.ts';
import { startServiceManager, type FakeServiceManager } from '../support/service-manager.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const UNIT = join(ROOT, 'configs/systemd/chorus.service');
/** A whole life of the server, on a machine that does much else. */
const LIFE = { timeout: 60_000 };
const SIMULATED = ['--engine', 'simulated', '--replicas', '1'];

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

describe('the life of a service', () => {
  async function start(flags: readonly string[]): Promise<[RunningChorus, FakeServiceManager]> {
    const manager = await startServiceManager();
    ends.push(manager.close);
    const environment = { ...process.env, NOTIFY_SOCKET: manager.socket, WATCHDOG_USEC: '1000000' };
    const chorus = await startChorus([...SIMULATED, ...flags], undefined, environment);
    ends.push(() => chorus.process.exitCode ?? chorus.stop());
    return [chorus, manager];
  }

  const missing = missingPrograms(['systemd-notify', '--version'], ['systemd-socket-activate', '--version']);

  it('is told in order: more time, READY with the first token, the watchdog, the end', LIFE, async (test) => {
    if (missing) test.skip(missing);
    const [chorus, { told }] = await start(['--engine-arg=--sim-startup-ms', '--engine-arg=1500']);
    await replicasReady(chorus, 1, 30_000);
    const ready = await eventually('READY', 10_000, () => told.findIndex(({ READY }) => READY === '1') + 1 || null);
    await eventually('the watchdog', 10_000, () => told.slice(ready).some(({ WATCHDOG }) => WATCHDOG === '1') || null);
    expect(await chorus.stop()).toBe(0);

    const [loading, [readiness, ...after]] = [told.slice(0, ready - 1), told.slice(ready - 1)];
    expect(loading[0]).toMatchObject({ EXTEND_TIMEOUT_USEC: '90000000', STATUS: expect.stringMatching(/^e0: /) });
    expect(loading.filter(({ STATUS }) => STATUS?.includes('in rotation'))).toEqual([]);
    expect(readiness).toEqual({ READY: '1', STATUS: '1 of 1 replicas in rotation.' });
    expect(after.filter((message) => !('WATCHDOG' in message))).toEqual([
      {
        STOPPING: '1',
        EXTEND_TIMEOUT_USEC: '60000000',
        STATUS: 'Stopping: running answers may finish for 30 s.',
      },
    ]);
  });

  it('is told by Chorus alone: engines know neither the socket nor the watchdog', LIFE, async (test) => {
    if (missing) test.skip(missing);
    const [chorus] = await start([]);
    const { engines } = await replicasReady(chorus, 1, 30_000);
    const environment = readFileSync(`/proc/${engines[0]?.pid}/environ`, 'utf8').split('\0');
    expect(environment.filter((line) => /^(NOTIFY|WATCHDOG|LISTEN)_/.test(line))).toEqual([]);
  });
});

it('a service manager that cannot be told changes nothing but a line', LIFE, async () => {
  const environment = { ...process.env, NOTIFY_SOCKET: '/nowhere/notify' };
  const chorus = await startChorus(SIMULATED, undefined, environment);
  ends.push(() => chorus.process.exitCode ?? chorus.stop());
  await replicasReady(chorus, 1, 30_000);
  expect(await chorus.stop()).toBe(0);
  expect(chorus.output().match(/The service manager cannot be told how Chorus is: /g)).toHaveLength(1);
});

describe('a socket of the service manager', () => {
  const missing = missingPrograms(['systemd-socket-activate', '--version']);

  async function freePort(): Promise<number> {
    const server = createServer();
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }

  /** systemd-socket-activate becomes Chorus when the first client comes. */
  function activate(address: string): { process: ChildProcess; output: () => string } {
    const stateDir = newStateDir();
    const command = [process.execPath, 'src/cli/main.ts', 'serve', '--port', '1', '--state-dir', stateDir];
    const child = spawn('systemd-socket-activate', ['--listen', address, ...command, ...SIMULATED], { cwd: ROOT });
    ends.push(async () => {
      if (child.exitCode === null && child.kill('SIGTERM')) await once(child, 'exit');
      rmSync(stateDir, { recursive: true, force: true });
    });
    let printed = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (printed += String(chunk)));
    return { process: child, output: () => printed };
  }

  it('is served on, with the client that was there before the start', LIFE, async (test) => {
    if (missing) test.skip(missing);
    const port = await freePort();
    const { output } = activate(`127.0.0.1:${port}`);
    await eventually('the socket', 10_000, () => (output().includes('Listening on') ? true : null));
    const answer = await fetch(`http://127.0.0.1:${port}/v1/models`);
    expect([answer.status, await answer.json()]).toEqual([200, expect.objectContaining({ object: 'list' })]);
    expect(output()).toContain(
      `Listening on the socket that the service manager opened (127.0.0.1:${port}): server.host and server.port have no effect.`,
    );
  });

  it('asks for a key where it is public, whatever the settings say', LIFE, async (test) => {
    if (missing) test.skip(missing);
    const port = await freePort();
    const { output } = activate(`0.0.0.0:${port}`);
    await eventually('the socket', 10_000, () => (output().includes('Listening on') ? true : null));
    const answer = await fetch(`http://127.0.0.1:${port}/v1/models`);
    expect(answer.status).toBe(401);
  });
});

describe('the units', () => {
  const missing = missingPrograms(['systemd-analyze', '--version']);

  /** The units with this clone in the place of the installation, so that their programs are looked for. */
  function installed(): { service: string; socket: string } {
    const folder = mkdtempSync(join(tmpdir(), 'chorus-units-'));
    ends.push(() => rmSync(folder, { recursive: true, force: true }));
    const [service, socket] = [join(folder, 'chorus.service'), join(folder, 'chorus.socket')];
    writeFileSync(service, readFileSync(UNIT, 'utf8').replaceAll('/opt/chorus', ROOT));
    copyFileSync(join(ROOT, 'configs/systemd/chorus.socket'), socket);
    return { service, socket };
  }

  it('are accepted by systemd without a word', (test) => {
    if (missing) test.skip(missing);
    const { service, socket } = installed();
    const { status, stdout, stderr } = spawnSync('systemd-analyze', ['--man=no', 'verify', service, socket]);
    expect([status, String(stdout), String(stderr)]).toEqual([0, '', '']);
  });

  it('give the service little: an exposure below 3.0', (test) => {
    if (missing) test.skip(missing);
    const args = ['security', '--offline=true', '--no-pager', installed().service];
    const { stdout } = spawnSync('systemd-analyze', args);
    const exposure = /Overall exposure level for chorus.service: ([\d.]+)/.exec(String(stdout))?.[1];
    expect(Number(exposure)).toBeLessThan(3);
  });

  it('start it again after what may pass, not after what will not', () => {
    const prevented = /^RestartPreventExitStatus=(.*)$/m.exec(readFileSync(UNIT, 'utf8'))?.[1]?.split(' ').map(Number);
    const { usage, data, noInput, noPermission, config } = EXIT_CODES;
    expect(prevented).toEqual([usage, data, noInput, noPermission, config]);
  });
});
