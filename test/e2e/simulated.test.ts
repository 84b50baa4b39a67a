import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { replicasReady, startChorus, type RunningChorus } from '../support/chorus-process.ts';
import { openApiSuite } from './openapi-suite.ts';
import { postResponse, streamResponse } from '../support/responses-client.ts';
import { chatRefusalsSuite } from './chat-refusals-suite.ts';
import { chatSuite } from './chat-suite.ts';
import { completionsSuite } from './completions-suite.ts';
import { responsesSuite } from './responses-suite.ts';
import { serveSuite } from './serve-suite.ts';
import { toolOutputsSuite } from './tool-outputs-suite.ts';
import { toolsSuite } from './tools-suite.ts';

describe('chorus serve with the simulator', () => {
  let chorus: RunningChorus;

  beforeAll(async () => {
    chorus = await startChorus(['--engine', 'simulated', '--replicas', '2']);
    await replicasReady(chorus, 2, 30_000);
  });
  afterAll(async () => {
    if (chorus.process.exitCode === null) await chorus.stop();
  });

  responsesSuite(() => chorus);
  toolsSuite(() => chorus);
  toolOutputsSuite(() => chorus);
  chatSuite(() => chorus);
  chatRefusalsSuite(() => chorus);
  completionsSuite(() => chorus);

  it('says SIMULATED in the banner, in a header and in the models', async () => {
    expect(chorus.output()).toContain('SIMULATED');
    const { headers } = await postResponse(chorus.url, { input: 'Say OK.' });
    expect(headers['chorus-engine']).toBe('SIMULATED');
    expect((await streamResponse(chorus.url, { input: 'Say OK.' })).headers['chorus-engine']).toBe('SIMULATED');
  });

  it('prints a curl line that works when pasted', async () => {
    const line = /^ *(curl -N .*)$/m.exec(chorus.output())?.[1] ?? expect.fail(chorus.output());
    const { execa } = await import('execa');
    const { stdout } = await execa('sh', ['-c', line]);
    expect(stdout).toContain('7 + 8 = 15.');
    expect(stdout).toContain('event: response.completed');
  });

  openApiSuite(() => chorus);

  serveSuite(() => chorus, { restartTimeoutMs: 30_000 });
});
