import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ERRORS } from '../../src/domain/errors.ts';

it('lists every error of the table in the README, with its status and code', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const section = readme.slice(readme.search(/^\| Name /m), readme.indexOf('## Checks'));
  const rows = section
    .trim()
    .split('\n')
    .slice(2)
    .map((row) =>
      row
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('`', '')),
    );
  const expected = Object.entries(ERRORS).map(([name, { status, code }]) => [name, String(status), code ?? 'null']);
  expect(rows.map(([name, status, code]) => [name, status, code])).toEqual(expected);
});
