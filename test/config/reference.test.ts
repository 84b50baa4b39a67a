import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { derivedFiles } from '../../scripts/config-reference.ts';
import { readConfigText } from '../../src/config/config-file.ts';
import { SETTINGS, valueProblem } from '../../src/config/settings.ts';

const schemaFile = fileURLToPath(new URL('../../configs/schema.json', import.meta.url));
const validates = new Ajv({ strict: true, allowUnionTypes: true }).compile(
  JSON.parse(readFileSync(schemaFile, 'utf8')) as object,
);

describe('what is derived from the schema of the settings', () => {
  it('is current (node scripts/config-reference.ts writes it)', async () => {
    for (const { current, wanted } of await derivedFiles()) expect(current).toBe(wanted);
  });

  it('describes every setting, under names that no other setting has', () => {
    for (const { description } of SETTINGS) expect(description).toMatch(/^[A-Z].*[^.]$/);
    for (const name of ['path', 'flag', 'variable'] as const) {
      expect(new Set(SETTINGS.map((setting) => setting[name])).size).toBe(SETTINGS.length);
    }
  });

  it('has only defaults that are allowed', () => {
    for (const setting of SETTINGS) {
      if (setting.defaultValue !== undefined) expect(valueProblem(setting, setting.defaultValue)).toBeNull();
      else expect(setting.notes.defaultText).toBeTypeOf('string');
    }
  });
});

describe('schema.json, as an editor uses it', () => {
  it.each([
    ['', true],
    ['server:\n', true],
    ['engine: { gpus: [0, "1", GPU-5f2a], replicas: auto, args: [--seed, 1] }', true],
    ['engine: { gpus: [first] }', false],
    ['engine: { gpus: [0, 0] }', false],
    ['engine: { replicas: 0 }', false],
    ['server: { port: "8000" }', false],
    ['server: { port: }', false],
    ['colour: red', false],
    ['engine: { colour: red }', false],
    ['default_temperature: 3', false],
  ])('judges %j as Chorus does', (text, isValid) => {
    expect([validates(parse(text)), readConfigText(text, 'c.yaml').problems.length === 0]).toEqual([isValid, isValid]);
  });
});
