import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { processStartTicks } from '../../src/system/process-group.ts';
import { eventually } from '../support/eventually.ts';
import { FakeHub, REVISION } from '../support/fake-hub.ts';
import { FakeMachine } from '../support/fake-nvidia-smi.ts';
import { FakeInstallers } from '../support/fake-uv.ts';

const CHORUS = fileURLToPath(new URL('../../scripts/chorus.js', import.meta.url));
const SHARD = 'model-00000-of-00001.safetensors';
const H100 = `echo '0, GPU-1, 00000000:18:00.0, NVIDIA H100 80GB HBM3, 590.48.01, 9.0, 81559, 4, 81079, Disabled, Disabled'`;
const MODEL = `models/openai--gpt-oss-20b/${REVISION}`;

let machine: FakeMachine;
let hub: FakeHub;
let installers: FakeInstallers;
let state: string;
beforeEach(async () => {
  machine = new FakeMachine();
  hub = await FakeHub.start();
  installers = new FakeInstallers(machine);
  state = join(machine.root, 'state');
});
afterEach(async () => {
  await hub[Symbol.asyncDispose]();
  machine.remove();
});

const INVENTORY = ['--inventory', fileURLToPath(new URL('../fixtures/inventories/rtx-4090.json', import.meta.url))];
const argumentsOf = (flags: readonly string[]): string[] => [CHORUS, 'setup', '--state-dir', state, ...flags];
const environment = (): Record<string, string> =>
  machine.env({ HF_ENDPOINT: hub.endpoint, HOME: machine.root, CHORUS_CONFIG: '' });

interface Ended {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command to its end, with nothing of this machine on the PATH. */
const setup = (...flags: readonly string[]): Promise<Ended> => setupWith({}, ...flags);

async function setupWith(variables: Readonly<Record<string, string>>, ...flags: readonly string[]): Promise<Ended> {
  const { exitCode, stdout, stderr } = await execa(process.execPath, argumentsOf(flags), {
    env: { ...environment(), ...variables },
    extendEnv: false,
    reject: false,
    stdin: 'ignore',
    timeout: 30_000,
  });
  const plain = (text: string): string => text.replaceAll(machine.root, 'ROOT').replaceAll(hub.endpoint, 'HUB');
  return { exitCode, stdout: plain(stdout), stderr: plain(stderr) };
}

/** Starts the command and does not wait. */
function begin(...flags: readonly string[]): ChildProcess {
  return spawn(process.execPath, argumentsOf(flags), { env: environment(), stdio: 'ignore' });
}

async function kill(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}

const isDone = (): boolean[] =>
  ['vllm/0.32.0-cu130/chorus-complete.json', `${MODEL}/chorus-complete.json`].map((path) =>
    existsSync(join(state, path)),
  );

describe('chorus setup --dry-run', () => {
  it('prints exact commands, bytes and paths for the machine with an H100, and touches nothing', async () => {
    machine.installNvidiaSmi(H100);
    const { exitCode, stdout } = await setup('--dry-run', '--model', 'gpt-oss-20b');
    const lines = stdout.split('\n');
    expect(exitCode).toBe(0);
    expect(lines.slice(0, 3)).toEqual([
      'vLLM 0.32.0: is installed into ROOT/state/vllm/0.32.0-cu130, about 10.0 GiB. Driver 590.48.01 runs CUDA 13. uv 0.9.9 is here.',
      '  $ ROOT/bin/uv venv --python ROOT/bin/python3.12 --seed ROOT/state/vllm/0.32.0-cu130',
      '  $ ROOT/bin/uv pip install --python ROOT/state/vllm/0.32.0-cu130/bin/python --compile-bytecode vllm==0.32.0',
    ]);
    expect(lines.filter((line) => line.startsWith('  model-'))).toEqual([
      '  model-00000-of-00001.safetensors  300,000 bytes',
      '  model-00001-of-00001.safetensors  300,000 bytes',
    ]);
    expect(stdout).toMatch(/bytes are downloaded from HUB\/openai\/gpt-oss-(20|120)b to ROOT\/state\/models/);
    expect(existsSync(state)).toBe(false);
    expect(installers.calls).toEqual([]);
  });

  it('prints the plan as JSON', async () => {
    const { stdout } = await setup('--dry-run', '--json', ...INVENTORY);
    const { event, plan } = JSON.parse(stdout) as { event: string; plan: { environment: object; model: object } };
    expect(event).toBe('plan');
    expect(plan.environment).toMatchObject({ kind: 'install', installer: 'uv', cudaMajor: 13 });
    expect(plan.model).toMatchObject({ kind: 'download', listing: { revision: REVISION } });
  });
});

describe('chorus setup', () => {
  it('installs and downloads, and the next one finds nothing to do', async () => {
    const first = await setup('--yes', ...INVENTORY);
    expect(first.exitCode).toBe(0);
    expect(first.stdout).toContain('installing vLLM: downloading, 1 package and 836 MiB so far');
    expect(first.stdout.split('\n').at(-1)).toBe(
      `Ready: ROOT/state/vllm/0.32.0-cu130/bin/python serves ROOT/state/${MODEL}.`,
    );
    expect(isDone()).toEqual([true, true]);
    expect(readdirSync(state).toSorted()).toEqual(['models', 'vllm']);
    const { length } = hub.requests;
    const second = await setup(...INVENTORY);
    expect(second.stdout).toContain('Nothing is to be done.');
    expect(second.exitCode).toBe(0);
    expect(hub.requests).toHaveLength(length);
  });

  it('makes an environment anew whose interpreter leads to a Python that is gone', async () => {
    await setup('--yes', ...INVENTORY);
    const interpreter = join(state, 'vllm/0.32.0-cu130/bin/python');
    rmSync(interpreter);
    symlinkSync(join(machine.root, 'removed/python3.11'), interpreter);
    const { exitCode, stdout } = await setup('--yes', ...INVENTORY);
    expect([exitCode, stdout]).toEqual([0, expect.stringContaining('vLLM 0.32.0 is installed')]);
    expect(installers.calls.filter((call) => call.startsWith('uv venv'))).toHaveLength(2);
    expect((await setup(...INVENTORY)).stdout).toContain('Nothing is to be done.');
  });

  it('has uv keep its Pythons in the state directory, unless the environment names another place', async () => {
    await setup('--yes', ...INVENTORY);
    expect(installers.uvPythons).toBe('ROOT/state/vllm/pythons');
    rmSync(join(state, 'vllm'), { recursive: true });
    await setupWith({ UV_PYTHON_INSTALL_DIR: '/opt/pythons' }, '--yes', ...INVENTORY);
    expect(installers.uvPythons).toBe('/opt/pythons');
  });

  it('makes the environment with pip where there is no uv', async () => {
    rmSync(join(machine.root, 'bin/uv'));
    expect((await setup('--yes', ...INVENTORY)).exitCode).toBe(0);
    expect(installers.calls).toEqual([
      'python -m venv ROOT/state/vllm/0.32.0-cu130',
      'pip -m pip install --disable-pip-version-check --no-input --progress-bar off vllm==0.32.0',
    ]);
  });

  it('asks for --yes where nobody can be asked', async () => {
    const { exitCode, stderr } = await setup(...INVENTORY);
    expect(exitCode).toBe(64);
    expect(stderr).toMatch(
      /^chorus: Chorus has to install vLLM 0\.32\.0 .* nobody can be asked here: give --yes to allow it\.$/,
    );
    expect(existsSync(state)).toBe(false);
  });

  it.each([
    ['disk_full', 74, '/cache/uv/.tmp1/torch.so: No space left on device (os error 28)\n  Make room on that disk'],
    ['fails', 75, 'error: No solution found'],
    ['wrong_cuda', 75, 'torch for CUDA 12.9 was installed, the driver needs one for CUDA 13.'],
  ] as const)(
    'ends with the reason when the installer %s, and takes nothing for whole',
    async (behaviour, code, said) => {
      installers.behave(behaviour);
      const { exitCode, stderr } = await setup('--yes', ...INVENTORY);
      expect([exitCode, stderr]).toEqual([code, expect.stringContaining(said)]);
      expect(isDone()[0]).toBe(false);
    },
  );

  it('ends the installer when the download cannot go on', async () => {
    installers.behave('hangs');
    hub.fail('config.json', { kind: 'status', status: 403 });
    const { exitCode, stderr } = await setup('--yes', ...INVENTORY);
    expect(exitCode).toBe(77);
    expect(stderr).toContain('answers 403. Accept the terms of the repository');
    const pid = installers.hangingPid;
    if (pid !== null) expect(processStartTicks(pid)).toBeNull();
  });

  it('uses the vLLM on the PATH', async () => {
    await setup('--yes', ...INVENTORY);
    const own = join(state, 'vllm/0.32.0-cu130/bin/vllm');
    machine.installNvidiaSmi(`exec ${own} "$@"`, 'bin/vllm');
    machine.installNvidiaSmi(readFileSync(join(machine.root, 'lib/environment-python'), 'utf8'), 'bin/python');
    rmSync(join(state, 'vllm'), { recursive: true });
    const { stdout } = await setup('--dry-run', ...INVENTORY);
    expect(stdout.split('\n')[0]).toBe(
      'vLLM 0.32.0: ROOT/bin/python is used. vLLM 0.32.0 is on the PATH (ROOT/bin/python).',
    );
  });

  it('is refused beside another one', async () => {
    installers.behave('hangs');
    const first = begin('--yes', ...INVENTORY);
    await eventually('the first setup', 10_000, () => installers.hangingPid);
    const { exitCode, stderr } = await setup('--yes', ...INVENTORY);
    expect([exitCode, stderr]).toEqual([
      69,
      `chorus: Another process (pid ${first.pid}) sets up in ROOT/state. Wait for it, or end it.`,
    ]);
    await kill(first, 'SIGTERM');
  });

  it('is ended by Ctrl-C with everything that it started, and says how to go on', async () => {
    installers.behave('hangs');
    const child = execa(process.execPath, argumentsOf(['--yes', ...INVENTORY]), {
      env: environment(),
      extendEnv: false,
      reject: false,
    });
    const pid = await eventually('the installer', 10_000, () => installers.hangingPid);
    child.kill('SIGINT');
    const { exitCode, stdout } = await child;
    expect(exitCode).toBe(130);
    expect(stdout.split('\n').at(-1)).toBe('Stopped. The next setup goes on from here.');
    expect(processStartTicks(pid)).toBeNull();
  });
});

describe('a setup that cannot write who installs', () => {
  it('ends the installer and names the file', async () => {
    installers.behave('hangs');
    mkdirSync(join(state, 'vllm', 'installer.json'), { recursive: true });
    const { exitCode, stderr } = await setup('--yes', ...INVENTORY);
    expect([exitCode, stderr]).toEqual([
      74,
      expect.stringMatching(/^chorus: ROOT\/state\/vllm\/installer\.json cannot be written: EISDIR/),
    ]);
  });
});

describe('a setup that is killed', () => {
  it('while it installs: the next one ends its installer and makes the environment anew', async () => {
    installers.behave('hangs');
    const child = begin('--yes', ...INVENTORY);
    const pid = await eventually('the installer', 10_000, () => installers.hangingPid);
    const record = join(state, 'vllm/installer.json');
    await eventually('the record of it', 10_000, () => readFileSync(record, 'utf8').includes(`${pid}`) || null);
    await kill(child, 'SIGKILL');
    expect(processStartTicks(pid)).not.toBeNull();
    writeFileSync(join(state, 'vllm/0.32.0-cu130/half'), 'written');
    installers.behave('works');
    expect((await setup('--yes', ...INVENTORY)).exitCode).toBe(0);
    expect(processStartTicks(pid)).toBeNull();
    expect(existsSync(join(state, 'vllm/0.32.0-cu130/half'))).toBe(false);
    expect(isDone()).toEqual([true, true]);
  });

  it('while it looks at what was installed: the next one does not take it for whole', async () => {
    installers.behave('verify_hangs');
    const child = begin('--yes', ...INVENTORY);
    await eventually('the look', 10_000, () => installers.hangingPid);
    await kill(child, 'SIGKILL');
    expect(isDone()[0]).toBe(false);
    installers.behave('works');
    expect((await setup('--yes', ...INVENTORY)).exitCode).toBe(0);
    expect(installers.calls.filter((call) => call.startsWith('uv venv'))).toHaveLength(2);
    expect(isDone()).toEqual([true, true]);
  });

  it('while it downloads: the next one asks for the rest', async () => {
    hub.fail(SHARD, { kind: 'stall', afterBytes: 200_000 });
    const child = begin('--yes', ...INVENTORY);
    const parts = join(state, 'models/openai--gpt-oss-20b/parts');
    await eventually('a half', 10_000, () => {
      const sizes = existsSync(parts) ? readdirSync(parts).map((name) => readFileSync(join(parts, name)).length) : [];
      return sizes.includes(200_000) || null;
    });
    await kill(child, 'SIGKILL');
    expect(isDone()[1]).toBe(false);
    const { exitCode, stdout } = await setup('--yes', ...INVENTORY);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/gpt-oss-20b is not on this machine, \d+ KiB of it are here\./);
    expect(hub.downloads.filter(({ path }) => path.endsWith(SHARD)).map(({ range }) => range)).toEqual([
      null,
      'bytes=200000-',
    ]);
    expect(isDone()).toEqual([true, true]);
  });
});
