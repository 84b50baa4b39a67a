import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load-config.ts';
import { isPublicBind } from '../../src/config/options.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chorus-config-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('the options of chorus serve', () => {
  it('are vLLM on GPUs and the loopback port of its guide by default', async () => {
    const { options } = await loadConfig({ config: '/dev/null' }, { XDG_STATE_HOME: '/var/state' });
    expect(options).toEqual({
      engine: 'gpu',
      modelPath: null,
      remoteEngines: [],
      python: null,
      model: 'auto',
      replicas: null,
      gpus: null,
      tensorParallel: null,
      contextTokens: null,
      gpuMemoryUtilization: null,
      engineArguments: [],
      maxEngineLogBytes: 67_108_864,
      stateDir: '/var/state/chorus',
      host: '127.0.0.1',
      port: 8000,
      apiKeyFile: null,
      adminKeyFile: null,
      noKey: false,
      limits: { requestsPerMinute: null, tokensPerMinute: null, concurrent: null },
      reasoning: 'shown',
      defaultTemperature: 1,
      loadingWaitMs: 300_000,
      drainMs: 30_000,
      retentionMs: 2_592_000_000,
      usageRetentionMs: 34_560_000_000,
      usageWebhook: null,
      stallDeadlineMs: 60_000,
      logLevel: 'info',
      progress: 'auto',
      yes: false,
    });
  });

  it.each([
    ['ftp://billing.example', 'is no URL to post to'],
    ['https://ada:hunter2@billing.example/usage', 'holds a credential'],
  ])('post usage nowhere else than over HTTP, and keep no credential in the URL: %s', async (url, problem) => {
    const refusal = await loadConfig({ config: '/dev/null', usageWebhookUrl: url }, {}).catch(String);
    expect(refusal).toContain(problem);
    expect(refusal).not.toContain('hunter2');
  });

  it('are what a file says about every setting', async () => {
    const config = join(folder, 'all.yaml');
    writeFileSync(
      config,
      `model: gpt-oss-120b
engine:
  kind: cpu
  python: venv/bin/python
  model_path: ~/checkpoint
  replicas: 3
  gpus: [0, GPU-5f2a9c31]
  tensor_parallel: 2
  context_tokens: 32768
  gpu_memory_utilization: 0.9
  args: [--max-num-seqs, 64]
  max_log_megabytes: 2
  stall_seconds: 30
server: { host: 0.0.0.0, port: 0, api_key_file: key, admin_key_file: /etc/admin, no_key: true }
limits: { requests_per_minute: 60, tokens_per_minute: 10000, concurrent: 8 }
store:
  retention_days: 7
usage: { webhook_url: 'https://billing.example/usage', webhook_secret_file: secret, retention_days: 100 }
state_dir: /srv/chorus
reasoning: hidden
default_temperature: 0.5
loading_wait_seconds: 60
drain_seconds: 5
log_level: debug
progress: json
assume_yes: true
`,
    );
    expect(await loadConfig({ config }, { HOME: '/home/ada' })).toMatchObject({
      file: config,
      warnings: [],
      options: {
        engine: 'cpu',
        modelPath: '/home/ada/checkpoint',
        python: join(folder, 'venv/bin/python'),
        model: 'gpt-oss-120b',
        replicas: 3,
        gpus: ['0', 'GPU-5f2a9c31'],
        tensorParallel: 2,
        contextTokens: 32_768,
        gpuMemoryUtilization: 0.9,
        engineArguments: ['--max-num-seqs', '64'],
        maxEngineLogBytes: 2_097_152,
        stateDir: '/srv/chorus',
        host: '0.0.0.0',
        port: 0,
        apiKeyFile: join(folder, 'key'),
        adminKeyFile: '/etc/admin',
        noKey: true,
        limits: { requestsPerMinute: 60, tokensPerMinute: 10_000, concurrent: 8 },
        reasoning: 'hidden',
        defaultTemperature: 0.5,
        loadingWaitMs: 60_000,
        drainMs: 5000,
        retentionMs: 604_800_000,
        usageRetentionMs: 8_640_000_000,
        usageWebhook: { url: 'https://billing.example/usage', secretFile: join(folder, 'secret') },
        stallDeadlineMs: 30_000,
        logLevel: 'debug',
        progress: 'json',
        yes: true,
      },
    });
  });
});

describe('isPublicBind', () => {
  it('is everything that another machine can reach', () => {
    expect(['127.0.0.1', '127.9.9.9', 'localhost', '::1'].map(isPublicBind)).toEqual([false, false, false, false]);
    expect(['0.0.0.0', '::', '10.0.0.1'].map(isPublicBind)).toEqual([true, true, true]);
  });
});
