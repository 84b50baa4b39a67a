import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadConfig } from '../../src/config/load-config.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const EXAMPLES = globSync('configs/*.yaml', { cwd: ROOT }).sort();
const validates = new Ajv({ allowUnionTypes: true }).compile(
  JSON.parse(readFileSync(`${ROOT}/configs/schema.json`, 'utf8')) as object,
);

describe('the examples', () => {
  it('are those that the reference lists', () => {
    const listed = readFileSync(`${ROOT}/configs/README.md`, 'utf8').matchAll(/\]\((\S+\.yaml)\)/g);
    expect(new Set([...listed].map(([, file]) => file))).toEqual(new Set(EXAMPLES.map((file) => basename(file))));
  });

  it.each(EXAMPLES)('%s is valid for Chorus and for an editor, and changes something', async (file) => {
    const text = readFileSync(`${ROOT}/${file}`, 'utf8');
    expect(text).toMatch(/^# yaml-language-server: \$schema=schema\.json\n/);
    expect(validates(parse(text))).toBe(true);
    const { settings, warnings } = await loadConfig({ config: `${ROOT}/${file}` }, {});
    expect(settings.some(({ source }) => source === 'file')).toBe(true);
    expect(warnings).toEqual([]);
  });

  it.each([
    ['h100-120b', 'one-h100', [[[0], 32_768, 0.95]]],
    [
      'shared-8xh100',
      'eight-h100',
      [
        [[4, 5], 131_072, expect.any(Number)],
        [[6, 7], 131_072, expect.any(Number)],
      ],
    ],
  ])('%s.yaml is planned on %s as it says', async (example, inventory, placements) => {
    const args = ['scripts/chorus.js', 'plan', '--json', '--config', `configs/${example}.yaml`];
    const machine = ['--inventory', `test/fixtures/inventories/${inventory}.json`];
    const { stdout } = await execa(process.execPath, [...args, ...machine], { cwd: ROOT, timeout: 15_000 });
    const { plan } = JSON.parse(stdout) as { plan: { model: string; placements: readonly Placed[] } };
    expect(plan.model).toBe('gpt-oss-120b');
    expect(
      plan.placements.map(({ gpus, profile }) => [
        gpus.map(({ index }) => index),
        profile.maxModelLen,
        profile.gpuMemoryUtilization,
      ]),
    ).toEqual(placements);
  });
});

interface Placed {
  readonly gpus: readonly { readonly index: number }[];
  readonly profile: { readonly maxModelLen: number; readonly gpuMemoryUtilization: number };
}
