import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load-config.ts';
import { environmentWarnings, type Environment, type Flags } from '../../src/config/text-sources.ts';
import { Refusal } from '../../src/domain/refusal.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chorus-config-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Writes a file below the test's folder and gives its path. */
function write(path: string, text: string | Uint8Array): string {
  const file = join(folder, path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, text);
  return file;
}

const refusal = async (flags: Flags, environment: Environment = {}): Promise<[number, string]> => {
  const error = await loadConfig(flags, environment).catch((cause: unknown) => cause);
  return error instanceof Refusal ? [error.exitCode, error.message] : expect.fail('no refusal');
};

describe('where a setting comes from', () => {
  it('is the flag before the environment, the environment before the file, the file before the default', async () => {
    const config = write('c.yaml', 'server: { port: 1, host: "::1" }\nreasoning: hidden\nmodel: gpt-oss-20b\n');
    const environment = { CHORUS_SERVER_PORT: '2', CHORUS_REASONING: 'shown' };
    const { settings } = await loadConfig({ config, port: '3' }, environment);
    const told = ['model', 'server.host', 'server.port', 'reasoning', 'drain_seconds'];
    expect(settings.filter(({ path }) => told.includes(path))).toEqual([
      { path: 'model', value: 'gpt-oss-20b', source: 'file', where: `${config}:3:8` },
      { path: 'server.host', value: '::1', source: 'file', where: `${config}:1:26` },
      { path: 'server.port', value: 3, source: 'flag', where: '--port' },
      { path: 'reasoning', value: 'shown', source: 'environment', where: 'CHORUS_REASONING' },
      { path: 'drain_seconds', value: 30, source: 'default', where: '' },
    ]);
  });

  it('tells the problems of all sources at once', async () => {
    const config = write('c.yaml', 'server:\n  port: x\n');
    expect(await refusal({ config, replicas: '0' }, { CHORUS_SERVER_HOST: 'my host' })).toEqual([
      78,
      `The settings have 3 problems:
  ${config}:2:9: server.port is "x". Allowed: a whole number from 0 to 65535.
  CHORUS_SERVER_HOST: server.host is "my host", which is not an address. Use 127.0.0.1 for this machine, 0.0.0.0 for every interface.
  --replicas: engine.replicas is "0". Allowed: auto or a whole number from 1 to 64.`,
    ]);
  });

  it('is a usage error when flags alone are wrong', async () => {
    expect(await refusal({ config: '/dev/null', port: 'x' })).toEqual([
      64,
      '--port: server.port is "x". Allowed: a whole number from 0 to 65535.',
    ]);
  });
});

describe('the file', () => {
  it('is looked for in the state directory, then in the XDG folder', async () => {
    const environment = { CHORUS_STATE_DIR: join(folder, 'state'), XDG_CONFIG_HOME: join(folder, 'xdg') };
    const inXdg = write('xdg/chorus/config.yaml', 'model: gpt-oss-20b\n');
    expect((await loadConfig({}, environment)).file).toBe(inXdg);
    const inState = write('state/config.yaml', 'model: gpt-oss-120b\n');
    expect((await loadConfig({}, environment)).file).toBe(inState);
    expect((await loadConfig({ stateDir: join(folder, 'other') }, environment)).file).toBe(inXdg);
    expect((await loadConfig({}, { ...environment, CHORUS_CONFIG: inXdg })).file).toBe(inXdg);
    expect((await loadConfig({ config: inState }, { ...environment, CHORUS_CONFIG: inXdg })).file).toBe(inState);
  });

  it.each([
    ['is not there', () => join(folder, 'none.yaml'), 66, /: The file cannot be read: ENOENT/],
    ['is a folder', () => folder, 66, /: The file cannot be read: EISDIR/],
    ['never ends', () => '/dev/zero', 78, /: The file is larger than 64 KiB: that is no configuration\.$/],
    ['is no text', () => write('b.yaml', Uint8Array.of(0x6d, 0xff)), 78, /: The file is not UTF-8 text\.$/],
  ])('that was named and %s is refused', async (_, file, exitCode, message) => {
    expect(await refusal({ config: file() })).toEqual([exitCode, expect.stringMatching(message)]);
  });

  it('is the folder that its relative paths start from, and `~/` is the home folder', async () => {
    const config = write('sub/c.yaml', 'state_dir: ../state\nengine: { python: ~/venv/bin/python }\n');
    const { options } = await loadConfig({ config, modelPath: 'm' }, { HOME: '/home/ada' });
    expect([options.stateDir, options.python, options.modelPath]).toEqual([
      join(folder, 'state'),
      '/home/ada/venv/bin/python',
      join(process.cwd(), 'm'),
    ]);
  });
});

describe('the environment', () => {
  it('gives numbers, switches and lists their types', async () => {
    const environment = {
      CHORUS_SERVER_PORT: '0',
      CHORUS_DEFAULT_TEMPERATURE: '0.5',
      CHORUS_ASSUME_YES: 'TRUE',
      CHORUS_ENGINE_GPUS: '0, GPU-5f2a',
      CHORUS_ENGINE_ARGS: '["--override-generation-config", "{\\"a\\": 1, \\"b\\": 2}"]',
      CHORUS_ENGINE_REPLICAS: 'auto',
      CHORUS_MODEL: '',
    };
    expect((await loadConfig({ config: '/dev/null' }, environment)).options).toMatchObject({
      port: 0,
      defaultTemperature: 0.5,
      yes: true,
      gpus: ['0', 'GPU-5f2a'],
      engineArguments: ['--override-generation-config', '{"a": 1, "b": 2}'],
      replicas: null,
      model: 'auto',
    });
  });

  it.each(['1e3', '0x10', ' 80', '80.0.', '-1', '65536'])('does not take %j for a port', async (text) => {
    expect(await refusal({ config: '/dev/null' }, { CHORUS_SERVER_PORT: text })).toEqual([
      78,
      `CHORUS_SERVER_PORT: server.port is "${text}". Allowed: a whole number from 0 to 65535.`,
    ]);
  });

  it('gets a warning for what looks like a setting, and none for what Kubernetes and others leave', () => {
    expect(
      environmentWarnings({
        CHORUS_PORT: '80',
        CHORUS_ENGINE_GPU: '0',
        CHORUS_COLOUR: 'red',
        CHORUS_CONFIG: 'c.yaml',
        CHORUS_SERVICE_HOST: '10.0.0.1',
        CHORUS_PORT_8000_TCP: 'tcp://10.0.0.1:8000',
        CHORUS_SIM_SPEED: '1',
        PATH: '/bin',
      }),
    ).toEqual([
      'The variable CHORUS_PORT is no setting and has no effect. Did you mean CHORUS_SERVER_PORT?',
      'The variable CHORUS_ENGINE_GPU is no setting and has no effect. Did you mean CHORUS_ENGINE_GPUS?',
      'The variable CHORUS_COLOUR is no setting and has no effect.',
    ]);
    expect(environmentWarnings({ CHORUS_PORT: 'tcp://10.0.0.1:8000' })).toEqual([]);
  });
});

describe('flags', () => {
  it('that are given several times make one list, in their order', async () => {
    const flags = { config: '/dev/null', gpus: ['0,1', '3'], engineArg: ['--max-num-seqs', '64'] };
    expect((await loadConfig(flags, {})).options).toMatchObject({
      gpus: ['0', '1', '3'],
      engineArguments: ['--max-num-seqs', '64'],
    });
  });

  it('take a word of the engine as it is, where a variable is read as a list', async () => {
    const words = ['--compilation-config', '{"a":1,"b":2}', '--cudagraph-capture-sizes', '[1,2]', '[', ' a, b', '1.50'];
    const environment = { CHORUS_ENGINE_ARGS: '--cudagraph-capture-sizes,1,2' };
    const engineArguments = async (flags: Flags) =>
      (await loadConfig({ config: '/dev/null', ...flags }, environment)).options.engineArguments;
    expect(await engineArguments({ engineArg: words })).toEqual(words);
    expect(await engineArguments({ engineArg: ['--a=[1,2],3'] })).toEqual(['--a=[1,2],3']);
    expect(await engineArguments({})).toEqual(['--cudagraph-capture-sizes', '1', '2']);
    expect(await refusal({ config: '/dev/null', engineArg: ['--seed', ''] })).toEqual([
      64,
      '--engine-arg: engine.args is ["--seed",""]. Allowed: a list of words.',
    ]);
  });
});
