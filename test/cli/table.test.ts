import { expect, it } from 'vitest';
import { formatTable } from '../../src/cli/table.ts';

it('aligns columns by their widest cell and leaves no space at line ends', () => {
  expect(formatTable(['A', 'LONGER', 'C'], [['first', 'x', '']])).toBe('A      LONGER  C\nfirst  x');
});
