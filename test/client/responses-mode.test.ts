import { readFileSync } from 'node:fs';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { APIError, LM, type LMOptions } from '../../src/client/index.ts';
import { replicasReady, startChorus, type RunningChorus } from '../support/chorus-process.ts';
import { lmSuite } from './lm-suite.ts';

const ROOT = new URL('../..', import.meta.url);

describe('responses mode on Chorus', () => {
  let chorus: RunningChorus;
  beforeAll(async () => {
    chorus = await startChorus(['--engine', 'simulated', '--replicas', '1']);
    await replicasReady(chorus, 1, 30_000);
  });
  afterAll(() => chorus.stop());

  const newLM = (options: LMOptions = {}): LM =>
    new LM('gpt-oss-20b', { baseURL: `${chorus.url}/v1`, temperature: 0, ...options });

  lmSuite(newLM);

  it('has the whole response of the server, and says why it is responses', async () => {
    const lm = newLM();
    const result = await lm.respond('Say OK.');
    if (result.apiType !== 'responses') return expect.fail(result.apiType);
    expect(result.rawResponse).toMatchObject({ object: 'response', id: result.responseId, output_text: 'OK' });
    expect([lm.apiType, lm.apiReason]).toEqual(['responses', 'gpt-oss-20b is known for Responses']);
  });

  it('sends whatever else the server takes', async () => {
    const { reasoning, text } = await newLM().respond('Say OK.', { extraBody: { reasoning: { max_tokens: 0 } } });
    expect([reasoning, text]).toEqual([null, 'OK']);
  });

  it("gives the server's error as it is", async () => {
    const refused = newLM().respond('Say OK.', { temperature: 3 });
    await expect(refused).rejects.toBeInstanceOf(APIError);
    await expect(refused).rejects.toMatchObject({ status: 400, param: 'temperature' });
    const lost = newLM().respond('Say OK.', { previousResponseId: 'resp_unknown' });
    await expect(lost).rejects.toMatchObject({ status: 400, code: 'previous_response_not_found' });
  });

  it('does in ten lines what the README says', async () => {
    const readme = readFileSync(new URL('README.md', ROOT), 'utf8');
    const [, code = ''] = /## The client in ten lines\n\n```ts\n([^]*?)```/.exec(readme) ?? [];
    expect(code.trim().split('\n').filter(Boolean).length).toBe(10);
    const program = code.replace('chorus/client', new URL('src/client/index.ts', ROOT).href);
    const env = { OPENAI_BASE_URL: `${chorus.url}/v1` };
    const { stdout } = await execa(process.execPath, ['--input-type=module-typescript', '-e', program], { env });
    expect(stdout.split('\n')).toEqual([
      'Hello Ada!',
      'Your name is Ada.',
      expect.stringMatching(/^Rayleigh scattering\..*Because air scatters blue light\.$/),
      '{ age: 7 }',
    ]);
  });

  it('works under the other prefix', async () => {
    const { text } = await newLM({ baseURL: `${chorus.url}/api/v1` }).respond('Say OK.');
    expect(text).toBe('OK');
  });
});
