import { describe, expect, it } from 'vitest';
import { generateURL, readSettings, type Environment } from '../../src/client/settings.ts';
import type { LMOptions } from '../../src/client/options.ts';

const facts = (model: string, options: LMOptions = {}, environment: Environment = {}): unknown => {
  const { baseURL, apiKey, autoStore, choice } = readSettings(model, options, environment);
  return [choice.apiType, baseURL, apiKey, autoStore];
};

const LOCAL = 'http://127.0.0.1:8000/v1';
const OPENAI = 'https://api.openai.com/v1';

describe('options win over variables, and variables over defaults', () => {
  it.for<[what: string, facts: unknown, expected: unknown]>([
    ['gpt-oss alone', facts('gpt-oss-20b'), ['responses', LOCAL, 'EMPTY', true]],
    [
      'every variable',
      facts(
        'gpt-oss-20b',
        {},
        {
          OPENAI_BASE_URL: 'http://gpu:8000/v1',
          OPENAI_API_KEY: 'sk-1',
          SYNTH_AI_AUTO_STORE_RESPONSES: 'false',
          SYNTH_AI_USE_RESPONSES_API: 'FALSE',
          SYNTH_GPU_HARMONY_ENDPOINT: 'http://gpu:8000',
        },
      ),
      ['chat', 'http://gpu:8000/v1', 'sk-1', false],
    ],
    [
      'every option over its variable',
      facts(
        'gpt-oss-20b',
        { baseURL: LOCAL, apiKey: 'mine', autoStoreResponses: true, useResponsesApi: true },
        {
          OPENAI_BASE_URL: 'http://gpu:8000/v1',
          OPENAI_API_KEY: 'sk-1',
          SYNTH_AI_AUTO_STORE_RESPONSES: '0',
          SYNTH_AI_USE_RESPONSES_API: 'false',
        },
      ),
      ['responses', LOCAL, 'mine', true],
    ],
    [
      'a harmony endpoint',
      facts('gpt-oss-20b', {}, { SYNTH_GPU_HARMONY_ENDPOINT: 'http://gpu:8000' }),
      ['harmony', LOCAL, 'EMPTY', true],
    ],
    ['a closed model', facts('gpt-4.1', { apiKey: 'sk-1' }), ['responses', OPENAI, 'sk-1', true]],
    [
      'empty variables',
      facts('gpt-oss-20b', {}, { OPENAI_BASE_URL: '', SYNTH_AI_USE_RESPONSES_API: '', OPENAI_API_KEY: '' }),
      ['responses', LOCAL, 'EMPTY', true],
    ],
  ])('%s', ([, found, expected]) => {
    expect(found).toEqual(expected);
  });
});

describe('the token route', () => {
  it.for([
    ['http://gpu:8000', 'http://gpu:8000/inference/v1/generate'],
    ['http://gpu:8000/', 'http://gpu:8000/inference/v1/generate'],
    ['http://gpu:8000/v1', 'http://gpu:8000/inference/v1/generate'],
    ['http://gpu:8000/api/v1/', 'http://gpu:8000/inference/v1/generate'],
    ['https://host/base/path/v1', 'https://host/base/path/inference/v1/generate'],
    ['https://host/base/inference/v1/generate', 'https://host/base/inference/v1/generate'],
    ['https://host/inference/v1/generate?key=1', 'https://host/inference/v1/generate?key=1'],
  ])('of %s is %s', ([endpoint = '', url]) => {
    expect(generateURL(endpoint)).toBe(url);
  });
});

describe('what makes no sense is refused before anything is sent', () => {
  it.for<[what: string, options: LMOptions, environment: Environment, message: string]>([
    ['no key for OpenAI', { baseURL: OPENAI }, {}, `${OPENAI} needs a key: set OPENAI_API_KEY or the option apiKey.`],
    ['no URL', { baseURL: 'gpu:8000' }, {}, '"gpu:8000" is no URL of a server: it begins with http:// or https://.'],
    [
      'a harmony endpoint that is no URL',
      {},
      { SYNTH_GPU_HARMONY_ENDPOINT: '/generate' },
      '"/generate" is no URL of a server',
    ],
    [
      'a word for a flag',
      {},
      { SYNTH_AI_USE_RESPONSES_API: 'maybe' },
      'SYNTH_AI_USE_RESPONSES_API is "maybe"; it may be auto, true or false.',
    ],
    [
      'auto for a switch',
      {},
      { SYNTH_AI_AUTO_STORE_RESPONSES: 'auto' },
      'SYNTH_AI_AUTO_STORE_RESPONSES is "auto"; it may be true or false.',
    ],
  ])('%s', ([, options, environment, message]) => {
    expect(() => readSettings('gpt-oss-20b', options, environment)).toThrow(message);
  });
});
