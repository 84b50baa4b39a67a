import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SETTINGS } from '../../src/config/settings.ts';
import { readServerRecord } from '../../src/system/state-directory.ts';
import { eventually } from '../support/eventually.ts';

const CHORUS = fileURLToPath(new URL('../../scripts/chorus.js', import.meta.url));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chorus-config-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(text: string): string {
  const file = join(folder, 'c.yaml');
  writeFileSync(file, text);
  return file;
}

const chorus = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  execa(process.execPath, [CHORUS, ...args], { reject: false, timeout: 20_000, env });

describe('chorus config check', () => {
  it('says how much a good file gives', async () => {
    const file = write('model: gpt-oss-20b\n');
    const { exitCode, stdout } = await chorus(['config', 'check', file]);
    expect([exitCode, stdout]).toEqual([0, `${file}: 1 of ${SETTINGS.length} settings given, no problem.`]);
  });

  it('ends with 78 and the place of a problem', async () => {
    const file = write('modell: gpt-oss-20b\n');
    const { exitCode, stdout, stderr } = await chorus(['config', 'check', file]);
    expect([exitCode, stdout, stderr]).toEqual([78, '', `chorus: ${file}:1:1: modell is unknown. Did you mean model?`]);
  });

  it('gives problems as JSON', async () => {
    const file = write('model: 20b\n');
    const { exitCode, stdout } = await chorus(['config', 'check', file, '--json'], { CHORUS_PORT: '80' });
    expect([exitCode, JSON.parse(stdout)]).toEqual([
      78,
      {
        valid: false,
        file,
        problems: [
          {
            source: 'file',
            where: `${file}:1:8`,
            message: 'model is "20b". Allowed: auto, gpt-oss-20b or gpt-oss-120b.',
          },
        ],
        warnings: ['The variable CHORUS_PORT is no setting and has no effect. Did you mean CHORUS_SERVER_PORT?'],
      },
    ]);
  });
});

describe('chorus config show', () => {
  it('tells every setting with who said so, as text and as JSON', async () => {
    const file = write('server:\n  port: 9000\n');
    const args = ['config', 'show', '--config', file, '--replicas', '2'];
    const text = await chorus(args, { CHORUS_REASONING: 'hidden' });
    expect(text.stdout).toContain(`File: ${file}\n`);
    expect(text.stdout).toMatch(new RegExp(`^server\\.port +9000 +${file}:2:9$`, 'm'));
    expect(text.stdout).toMatch(/^reasoning +"hidden" +CHORUS_REASONING$/m);
    expect(text.stdout).toMatch(/^engine\.replicas +2 +--replicas$/m);
    expect(text.stdout).toMatch(/^drain_seconds +30 +default$/m);
    const json = JSON.parse((await chorus([...args, '--json'])).stdout) as { settings: { path: string }[] };
    expect(json.settings.map(({ path }) => path)).toEqual(SETTINGS.map(({ path }) => path));
  });
});

describe('the command line', () => {
  it.each([['serve'], ['plan'], ['config', 'show']])(
    'of chorus %s %s has every flag, with its default',
    async (...command) => {
      const { stdout } = await chorus([...command.filter(Boolean), '--help']);
      for (const { flag } of SETTINGS) expect(stdout).toContain(`  ${flag} `);
      expect(stdout.replaceAll(/\s+/g, ' ')).toContain('Port to listen on; 0: any free one (default: 8000)');
    },
  );

  it('is refused with 64 and every problem of its flags', async () => {
    const { exitCode, stderr } = await chorus(['serve', '--config', '/dev/null', '--port', 'x', '--reasoning', 'loud']);
    expect([exitCode, stderr]).toEqual([
      64,
      `chorus: The settings have 2 problems:
  --port: server.port is "x". Allowed: a whole number from 0 to 65535.
  --reasoning: reasoning is "loud". Allowed: shown or hidden.`,
    ]);
  });

  it('is refused with 64 where a flag is misspelled, and told which was meant', async () => {
    const { exitCode, stderr } = await chorus(['serve', '--prot', '80']);
    expect([exitCode, stderr]).toEqual([64, expect.stringContaining('Did you mean --port?')]);
  });
});

it('a server runs as its file says, and chorus status finds it by the file', { timeout: 60_000 }, async () => {
  const stateDir = join(folder, 'state');
  const file = write(`state_dir: state
engine: { kind: simulated, replicas: 1 }
server: { port: 0 }
store: { retention_days: 2 }
default_temperature: 0.25
`);
  const server = execa(process.execPath, [CHORUS, 'serve', '--config', file], { reject: false, timeout: 60_000 });
  const { url } = await eventually('the start', 20_000, () => readServerRecord(stateDir));
  const answer = await fetch(`${url}/v1/responses`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'gpt-oss-20b', input: 'What is 7 + 8?' }),
  });
  const response = (await answer.json()) as { temperature: number; created_at: number; expires_at: number };
  expect([response.temperature, response.expires_at - response.created_at]).toEqual([0.25, 2 * 24 * 60 * 60]);
  const status = JSON.parse((await chorus(['status', '--json', '--config', file])).stdout) as { engines: unknown[] };
  expect(status.engines).toHaveLength(1);
  server.kill('SIGTERM');
  const { exitCode, stdout } = await server;
  expect(exitCode).toBe(0);
  expect(stdout).toContain(file);
});
