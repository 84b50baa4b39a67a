import { expect, it } from 'vitest';
import { fromFunctionName, toFunctionName } from '../../src/harmony/function-name.ts';

it.each([
  ['get_weather', 'get_weather'],
  ['mcp.read/file', 'mcp_x2e_read_x2f_file'],
  ['a_x2e_b', 'a_x5f_x2e_b'],
  ['größe 🙂', 'gr_xf6__xdf_e_x20__x1f642_'],
  ['x__x_', 'x__x_'],
])('spells %s as %s and reads it back', (name, spelled) => {
  expect(toFunctionName(name)).toBe(spelled);
  expect(fromFunctionName(spelled)).toBe(name);
});

it('never lets two names meet', () => {
  const names = ['a.b', 'a_x2e_b', 'a_x5f_x2e_b', 'a_x5f_', 'a_', 'a_x5f_x5f_'];
  expect(new Set(names.map(toFunctionName)).size).toBe(names.length);
  expect(names.map(toFunctionName).map(fromFunctionName)).toEqual(names);
});
