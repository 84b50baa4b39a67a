import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, expect, it } from 'vitest';
import { addPlanCommand } from '../../src/cli/plan.ts';
import { Refusal } from '../../src/domain/refusal.ts';
import { inventoryFixture } from './machines.ts';

const ROOT = new URL('../..', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'chorus-plan-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The command as a whole, in this process: what it prints, and the refusal that it ends in. */
async function plan(...args: string[]): Promise<{ output: string; refusal: Refusal | null }> {
  const printed: string[] = [];
  const program = new Command();
  addPlanCommand(program, (text) => printed.push(text));
  const refusal = await program.parseAsync(['plan', ...args], { from: 'user' }).then(
    () => null,
    (thrown: unknown) => (thrown instanceof Refusal ? thrown : expect.fail(String(thrown))),
  );
  return { output: printed.map((text) => `${text}\n`).join(''), refusal };
}

const fixture = (name: string): string => join(ROOT, `test/fixtures/inventories/${name}.json`);
const golden = (name: string): string => readFileSync(join(ROOT, `test/fixtures/plans/${name}`), 'utf8');

it('prints the plan for the machine in a file', async () => {
  expect(await plan('--inventory', fixture('one-h100'))).toEqual({ output: golden('one-h100.txt'), refusal: null });
});

it('prints inventory, decision and plan as JSON', async () => {
  const { output, refusal } = await plan('--inventory', fixture('eight-h100'), '--json');
  expect([refusal, JSON.parse(output)]).toEqual([
    null,
    {
      inventory: inventoryFixture('eight-h100'),
      decision: { kind: 'gpu', reasons: ['vLLM can use 8 of 8 GPUs.'] },
      plan: JSON.parse(golden('eight-h100.json')),
    },
  ]);
});

it('says first which variables have no effect, and keeps JSON free of it', { timeout: 60_000 }, () => {
  const args = ['src/cli/main.ts', 'plan', '--inventory', fixture('one-h100')];
  const env = { ...process.env, CHORUS_ENGINE_REPLICA: '2' };
  const [text, json] = [args, [...args, '--json']].map(
    (words) => spawnSync(process.execPath, words, { cwd: ROOT, encoding: 'utf8', env }).stdout,
  );
  expect(text).toBe(
    'The variable CHORUS_ENGINE_REPLICA is no setting and has no effect. Did you mean CHORUS_ENGINE_REPLICAS?\n' +
      golden('one-h100.txt'),
  );
  expect(JSON.parse(json ?? '')).toMatchObject({ decision: { kind: 'gpu' } });
});

it('as a real command prints the reasons and exits with 69 where no GPU is usable', { timeout: 60_000 }, () => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['src/cli/main.ts', 'plan', '--inventory', fixture('t4')],
    { cwd: ROOT, encoding: 'utf8' },
  );
  expect({ status, stdout, stderr }).toEqual({
    status: 69,
    stdout: golden('t4.txt'),
    stderr:
      "chorus: No usable GPU. To try Chorus without one: --engine simulated, or --engine cpu for vLLM's CPU build.\n",
  });
});

it('ends with 69 where more replicas are asked for than fit', async () => {
  const { output, refusal } = await plan('--inventory', fixture('one-h100'), '--replicas', '2');
  expect(output).toContain('Plan: 2 replicas do not fit: at most 1 of gpt-oss-120b or 1 of gpt-oss-20b.');
  expect([refusal?.exitCode, refusal?.message]).toEqual([
    69,
    '2 replicas do not fit: at most 1 of gpt-oss-120b or 1 of gpt-oss-20b.',
  ]);
});

it('plans for this machine without a file', async () => {
  const { output, refusal } = await plan('--engine', 'simulated', '--replicas', '3', '--json');
  expect([refusal, JSON.parse(output).plan.placements.length]).toEqual([null, 3]);
});

it.for<[string, number, string[], RegExp]>([
  ['a file that is not there', 66, ['--inventory', join(folder, 'none.json')], /none\.json cannot be read/],
  ['a file that is no inventory', 65, ['--inventory', join(folder, 'bad.json')], /bad\.json does not describe/],
  ['a folder that is not there', 66, ['--model-path', join(folder, 'none')], /config\.json cannot be read/],
  ['an unknown engine', 64, ['--engine', 'tpu'], /--engine: .*"tpu"/],
  ['no number of replicas', 64, ['--replicas', 'many'], /--replicas: .*"many"/],
])('refuses %s with exit code %d', async ([, code, args, message]) => {
  writeFileSync(join(folder, 'bad.json'), '{"gpus":[{}]}');
  const { output, refusal } = await plan(...args);
  expect([output, refusal?.exitCode]).toEqual(['', code]);
  expect(refusal?.message).toMatch(message);
});
