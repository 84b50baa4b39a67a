import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { describeError } from '../../src/system/describe-error.ts';

const SECRET = 'my secret prompt';

const thrownBy = (work: () => unknown): unknown => {
  try {
    return work();
  } catch (error) {
    return error;
  }
};

it('tells type and place of an error and not its message, which may quote what was read', () => {
  const described = describeError(thrownBy(() => JSON.parse(SECRET)));
  expect(described).toEqual({ type: 'SyntaxError', stack: expect.stringMatching(/^at JSON\.parse.*|^at .*:\d+:\d+/) });
  expect(JSON.stringify(described)).not.toContain('secret');
});

it('keeps the message of what the platform says about files', () => {
  expect(describeError(thrownBy(() => readFileSync('/nowhere')))).toMatchObject({
    type: 'Error',
    code: 'ENOENT',
    message: "ENOENT: no such file or directory, open '/nowhere'",
  });
});

it('leaves out messages of several lines, places that a message makes up, and fields of an error', () => {
  const forged = `${SECRET}\n    at secret (file:///secret.ts:1:2)\n    at ${SECRET}`;
  const error = Object.assign(new TypeError(forged, { cause: new Error(SECRET) }), { input: SECRET });
  const described = describeError(error);
  expect(JSON.stringify(described)).not.toContain('secret');
  expect(described).toMatchObject({ type: 'TypeError', cause: { type: 'Error' } });
  expect(described.stack).toContain('describe-error.test.ts');
});

it('leaves out a message that was changed after the error was made', () => {
  const error = new Error(`${SECRET} one`);
  error.message = `${SECRET} two`;
  expect(JSON.stringify(describeError(error))).not.toContain('secret');
});

it('ends with an error that is its own cause, and takes what is no error', () => {
  const error = new Error('endless');
  error.cause = error;
  expect(JSON.stringify(describeError(error)).match(/"type"/g)).toHaveLength(4);
  expect(describeError(SECRET)).toEqual({ type: 'string', stack: '' });
});
