import { expect, it } from 'vitest';
import { prepareResponse } from '../../src/responses/request.ts';
import { prepareOptions } from '../support/prepare-options.ts';

it.each([
  ['the default one when it names none', {}, 0.25],
  ['its own, 0 too', { temperature: 0 }, 0],
])('a request has %s, and echoes it', (_, body, temperature) => {
  const options = { ...prepareOptions, defaultTemperature: 0.25 };
  const { turn, response } = prepareResponse({ model: 'gpt-oss-20b', input: 'Hello', ...body }, options);
  expect([turn.sampling.temperature, response.temperature]).toEqual([temperature, temperature]);
});
