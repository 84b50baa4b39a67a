import { describe, expect, it } from 'vitest';
import { failureFromError, failureFromResponse, isContextOverflow } from '../../src/upstream/failure.ts';

const errorBody = (message: string, code = 400): string =>
  JSON.stringify({ error: { message, type: 'BadRequestError', param: null, code } });

describe('an error answer', () => {
  it.each([
    [400, errorBody('Token id out of vocabulary'), 'rejected', 'Token id out of vocabulary'],
    [413, 'too large', 'rejected', 'too large'],
    [422, errorBody('invalid grammar', 422), 'rejected', 'invalid grammar'],
    [401, errorBody('Unauthorized', 401), 'unavailable', 'Unauthorized'],
    [404, errorBody('The model `nope` does not exist.', 404), 'unavailable', 'The model `nope` does not exist.'],
    [429, errorBody('Too many requests', 429), 'busy', 'Too many requests'],
    [503, errorBody('The engine is currently busy', 503), 'busy', 'The engine is currently busy'],
    [500, errorBody('', 500), 'unavailable', 'the engine answered 500 without a reason'],
    [405, '{"detail":"Method Not Allowed"}', 'unavailable', 'Method Not Allowed'],
    [502, '<html>bad gateway</html>\n', 'unavailable', '<html>bad gateway</html>'],
    [502, '{"error":"no upstream"}', 'unavailable', 'no upstream'],
    [500, '{"error":{"message":5}}', 'unavailable', 'the engine answered 500 without a reason'],
    [500, '', 'unavailable', 'the engine answered 500 without a reason'],
  ])('%i %s is %s', (status, body, reason, message) => {
    expect(failureFromResponse(status, body)).toEqual({ reason, message, status });
  });

  it.each([
    ['a text', 'boom', 'boom', 200],
    ['an object with a code', { message: 'boom', code: 500 }, 'boom', 500],
    ['a code that is no number', { message: 'boom', code: 'x' }, 'boom', 200],
    ['a message that is no text', { message: 5 }, 'the engine answered 200 without a reason', 200],
    ['a number', 5, 'the engine answered 200 without a reason', 200],
  ])('in a stream may be %s', (_name, error, message, status) => {
    expect(failureFromError(error, 200)).toEqual({ reason: 'engine_error', message, status });
  });

  it.each([
    ['invalid_request_error', 'invalid_prompt', 'rejected', 400],
    ['invalid_request_error', null, 'rejected', 400],
    ['rate_limit_error', 'rate_limit_exceeded', 'busy', 429],
    ['server_error', 'server_is_overloaded', 'busy', 503],
    ['server_error', 'server_error', 'engine_error', 500],
  ])('of another Chorus in a stream is known by its type: %s, %s', (type, code, reason, status) => {
    const error = { message: 'because', type, param: null, code };
    expect(failureFromError(error, 200)).toEqual({ reason, message: 'because', status });
  });

  it.each([
    'The input has 5000 tokens and the context window of gpt-oss-20b here has 4096. Shorten the input.',
    'The input has 4000 tokens and max_output_tokens asks for 100 more, which is over the 4096 tokens of the context window of gpt-oss-20b here. Shorten the input or lower max_output_tokens to 96 or less.',
    'The decoder prompt (length 5000) is longer than the maximum model length of 4096. Make sure that',
    'The decoder prompt (length 4096) plus the number of requested output tokens (at least 1) is longer than the maximum model length of 4096.',
    "This model's maximum context length is 4096 tokens. However, your prompt contains 5000 input tokens",
    'max_tokens=5000 cannot be greater than max_model_len=4096. Please request fewer output tokens.',
    'max_tokens must be at least 1, got 0. (parameter=max_tokens, value=0)',
  ])('is known for a context overflow: %s', (message) => {
    expect(isContextOverflow(failureFromResponse(400, errorBody(message)))).toBe(true);
  });

  it('is no context overflow when the engine failed or says something else', () => {
    expect(isContextOverflow(failureFromResponse(500, errorBody('maximum model length')))).toBe(false);
    expect(isContextOverflow(failureFromResponse(400, errorBody('Token id 201088 is out of vocabulary')))).toBe(false);
  });
});
