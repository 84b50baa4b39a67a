import { describe, expect, it } from 'vitest';
import { chooseApi, type ApiWish } from '../../src/client/choose-api.ts';

const wish = (model: string, facts: Partial<ApiWish> = {}): ApiWish => ({
  model,
  mode: 'auto',
  useResponsesApi: 'auto',
  environmentSays: 'auto',
  hasHarmonyEndpoint: false,
  isOpenAI: false,
  ...facts,
});

describe('under auto the model decides', () => {
  it.for<[model: string, facts: Partial<ApiWish>, choice: string]>([
    ['gpt-oss-20b', {}, 'responses, or chat: gpt-oss-20b is known for Responses'],
    ['openai/gpt-oss-120b', {}, 'responses, or chat: openai/gpt-oss-120b is known for Responses'],
    ['gpt-oss-20b', { hasHarmonyEndpoint: true }, 'harmony: gpt-oss-20b has a harmony endpoint'],
    ['gpt-4o', { hasHarmonyEndpoint: true }, 'responses, or chat: gpt-4o is known for Responses'],
    ['gpt-4o-mini-2024-07-18', {}, 'responses, or chat: gpt-4o-mini-2024-07-18 is known for Responses'],
    ['o1-mini', {}, 'responses, or chat: o1-mini is known for Responses'],
    ['o1-preview', {}, 'responses, or chat: o1-preview is known for Responses'],
    ['gpt-5', { isOpenAI: true }, 'responses, or chat: gpt-5 at OpenAI is newer than Responses'],
    ['gpt-4.1-mini', { isOpenAI: true }, 'responses, or chat: gpt-4.1-mini at OpenAI is newer than Responses'],
    ['o3', { isOpenAI: true }, 'responses, or chat: o3 at OpenAI is newer than Responses'],
    ['gpt-5', {}, 'chat: gpt-5 is not known for Responses'],
    ['gpt-4', { isOpenAI: true }, 'chat: gpt-4 is not known for Responses'],
    ['gpt-4-turbo', { isOpenAI: true }, 'chat: gpt-4-turbo is not known for Responses'],
    ['gpt-3.5-turbo', { isOpenAI: true }, 'chat: gpt-3.5-turbo is not known for Responses'],
    ['llama-3.3-70b', {}, 'chat: llama-3.3-70b is not known for Responses'],
  ])('%s %o', ([model, facts, expected]) => {
    const { apiType, canFallBack, reason } = chooseApi(wish(model, facts));
    expect(`${apiType}${canFallBack ? ', or chat' : ''}: ${reason}`).toBe(expected);
  });
});

describe('what is named wins and is kept to', () => {
  it.for<[facts: Partial<ApiWish>, choice: string]>([
    [{ mode: 'chat', environmentSays: true, hasHarmonyEndpoint: true }, 'chat: mode is "chat"'],
    [{ mode: 'harmony', environmentSays: false }, 'harmony: mode is "harmony"'],
    [{ useResponsesApi: false, environmentSays: true }, 'chat: useResponsesApi is false'],
    [{ useResponsesApi: true, hasHarmonyEndpoint: true }, 'responses: useResponsesApi is true'],
    [{ environmentSays: true, hasHarmonyEndpoint: true }, 'responses: SYNTH_AI_USE_RESPONSES_API is true'],
    [{ environmentSays: false }, 'chat: SYNTH_AI_USE_RESPONSES_API is false'],
    [{ mode: 'responses', useResponsesApi: true }, 'responses: mode is "responses"'],
  ])('%o', ([facts, expected]) => {
    const { apiType, canFallBack, reason } = chooseApi(wish('gpt-oss-20b', facts));
    expect([`${apiType}: ${reason}`, canFallBack]).toEqual([expected, false]);
  });
});

describe('what makes no sense is refused', () => {
  it.for<[model: string, facts: Partial<ApiWish>, message: string]>([
    [
      'gpt-oss-20b',
      { mode: 'chat', useResponsesApi: true },
      'mode is "chat" and useResponsesApi is true: leave one of them out.',
    ],
    [
      'gpt-oss-20b',
      { mode: 'responses', useResponsesApi: false },
      'mode is "responses" and useResponsesApi is false: leave one of them out.',
    ],
    ['gpt-4o', { mode: 'harmony' }, `mode "harmony" is gpt-oss's own format, which gpt-4o does not speak.`],
  ])('%s %o', ([model, facts, message]) => {
    expect(() => chooseApi(wish(model, facts))).toThrow(message);
  });
});
