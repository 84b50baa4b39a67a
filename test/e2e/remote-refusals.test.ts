import { afterEach, describe, expect, it } from 'vitest';
import { replicasReady, startChorus } from '../support/chorus-process.ts';
import { post, type ErrorBody } from '../support/completions-client.ts';
import { chorusWith, closeAll, engineOf, NO_LOCAL, open, READY_MS, remote } from '../support/remote-chorus.ts';
import { refuse } from '../support/remote-engine.ts';
import { postResponse } from '../support/responses-client.ts';

afterEach(closeAll);

describe('an engine elsewhere', { timeout: 120_000 }, () => {
  it('that is busy gets a pause as long as it asks for, and another one the request', async () => {
    const busy = await remote();
    const chorus = await chorusWith([{ url: busy.url }], ['--engine', 'simulated', '--replicas', '1']);
    await replicasReady(chorus, 2, READY_MS);
    let refusals = 0;
    busy.answerInstead = (path, response) => {
      if (path !== '/inference/v1/generate') return false;
      refusals++;
      refuse(response, 429, 'too many requests', { 'retry-after': '30' });
      return true;
    };
    for (let sent = 0; sent < 8; sent++)
      expect((await postResponse(chorus.url, { input: `What is ${sent} + 8?` })).status).toBe(200);
    expect(refusals).toBe(1);
  });

  it('that is busy and alone refuses for now, on every route, and says when to come again', async () => {
    const busy = await remote();
    const chorus = await chorusWith([{ url: busy.url }], NO_LOCAL);
    await replicasReady(chorus, 1, READY_MS);
    busy.answerInstead = (path, response) => {
      if (path !== '/inference/v1/generate') return false;
      refuse(response, 429, 'too many requests', { 'retry-after': '1' });
      return true;
    };
    for (const [path, body] of [
      ['/v1/responses', { input: 'Say OK.' }],
      ['/v1/chat/completions', { messages: [{ role: 'user', content: 'Say OK.' }] }],
      ['/v1/completions', { prompt: 'Say' }],
      ['/inference/v1/generate', { token_ids: [1], sampling_params: {} }],
    ] as const) {
      const answer = await post<ErrorBody>(chorus.url, path, body);
      expect([path, answer.status, answer.headers['retry-after']]).toEqual([path, 503, '1']);
      expect(answer.body.error).toMatchObject({ type: 'server_error', code: 'server_is_overloaded' });
      expect(answer.body.error.message).toContain('too busy for this request');
    }
  });

  it('that refuses the key of one caller is there for the next', async () => {
    const limited = await remote();
    const chorus = await chorusWith([{ url: limited.url, forward_authorization: true }], NO_LOCAL);
    await replicasReady(chorus, 1, READY_MS);
    limited.answerInstead = (path, response) => {
      const key = limited.seen.at(-1)?.authorization;
      if (path !== '/inference/v1/generate' || key !== 'Bearer sk-often') return false;
      refuse(response, 429, 'over the limit of this key', { 'retry-after': '60' });
      return true;
    };
    const ask = (authorization: string) => postResponse(chorus.url, { input: 'What is 7 + 8?' }, { authorization });
    for (let round = 0; round < 2; round++) {
      expect((await ask('Bearer sk-often')).status).toBe(503);
      expect((await ask('Bearer sk-rare')).body.output_text).toBe('7 + 8 = 15.');
    }
  });

  it('may be another Chorus, whose late refusals are of the request and not tried again', async () => {
    const far = await startChorus(['--engine', 'simulated', '--replicas', '1', '--model', 'gpt-oss-120b']);
    open.push(far.stop);
    const chorus = await chorusWith([{ url: far.url }], NO_LOCAL);
    await replicasReady(chorus, 1, READY_MS);
    expect(await engineOf(chorus, 'r0')).toMatchObject({ model: 'gpt-oss-120b', phase: 'ready' });
    const input = { model: 'gpt-oss-120b', input: 'What is 7 + 8?' };
    expect((await postResponse(chorus.url, input)).body.output_text).toBe('7 + 8 = 15.');
    const refused = await post<ErrorBody>(chorus.url, '/inference/v1/generate', {
      model: 'gpt-oss-120b',
      token_ids: [1],
      sampling_params: { structured_outputs: { structural_tag: '{' } },
    });
    expect([refused.status, refused.body.error.code]).toEqual([400, 'invalid_value']);
    expect(refused.body.error.message).toContain('The engine refused the request');
  });
});
