import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ProbeResult } from '../../src/engine/engine-state.ts';
import { probeHealth, probeToken } from '../../src/engine/health.ts';
import { FakeClock } from '../support/fake-clock.ts';

interface Received {
  readonly url: string;
  readonly body: unknown;
}

/** What the engine answers by path; a path without an entry is never answered. */
type Answers = Readonly<Record<string, readonly [status: number, body?: unknown]>>;

const READY: Answers = {
  '/health': [200],
  '/inference/v1/generate': [200, { choices: [{ token_ids: [1] }] }],
  '/v1/completions': [200, { choices: [{ token_ids: [1] }] }],
  '/v1/models': [200, { data: [{ id: 'gpt-oss-20b', max_model_len: 4096 }] }],
  '/version': [200, { version: '0.32.0' }],
};

let folder: string;
let server: Server | null = null;
let clock: FakeClock;
let received: Received[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chorus-health-'));
  clock = new FakeClock();
  received = [];
});

afterEach(() => {
  server?.close();
  server?.closeAllConnections();
  server = null;
  rmSync(folder, { recursive: true, force: true });
});

const target = (): Parameters<typeof probeToken>[0] => ({ socketPath: join(folder, 's'), model: 'gpt-oss-20b', clock });

async function serve(answers: Answers): Promise<void> {
  server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      received.push({ url: request.url ?? '', body: text === '' ? null : JSON.parse(text) });
      const answer = answers[request.url ?? ''];
      if (answer) response.writeHead(answer[0]).end(answer[1] === undefined ? '' : JSON.stringify(answer[1]));
    });
  });
  server.listen(join(folder, 's'));
  await once(server, 'listening');
}

async function tokenFrom(answers: Answers): Promise<ProbeResult> {
  await serve(answers);
  return probeToken(target(), new AbortController().signal);
}

const without = (...paths: readonly string[]): Answers =>
  Object.fromEntries(Object.entries(READY).filter(([path]) => !paths.includes(path)));

describe('the readiness probe', () => {
  it('asks for health, one token, the context and the version', async () => {
    expect(await tokenFrom(READY)).toEqual({
      kind: 'token',
      facts: {
        model: 'gpt-oss-20b',
        servedName: 'gpt-oss-20b',
        tokenRoute: 'generate',
        maxModelLen: 4096,
        engineVersion: '0.32.0',
      },
    });
    expect(received).toEqual([
      { url: '/health', body: null },
      {
        url: '/inference/v1/generate',
        body: {
          model: 'gpt-oss-20b',
          token_ids: [200006],
          sampling_params: { max_tokens: 1, temperature: 0, detokenize: false },
        },
      },
      { url: '/v1/models', body: null },
      { url: '/version', body: null },
    ]);
  });

  for (const status of [403, 404]) {
    it(`takes a ${status} of the generate route for the completions route`, async () => {
      const result = await tokenFrom({
        ...READY,
        '/inference/v1/generate': [status, { error: { message: 'closed' } }],
      });
      expect(result).toMatchObject({ kind: 'token', facts: { tokenRoute: 'completions' } });
      expect(received[2]).toEqual({
        url: '/v1/completions',
        body: { model: 'gpt-oss-20b', prompt: [200006], max_tokens: 1, temperature: 0, return_token_ids: true },
      });
    });
  }

  it('is not satisfied with health: a generation that fails says why', async () => {
    const failing: Answers = {
      ...READY,
      '/inference/v1/generate': [500, { error: { message: 'EngineCore is gone' } }],
    };
    expect(await tokenFrom(failing)).toEqual({
      kind: 'no_token',
      reason: 'the first token failed: 500 EngineCore is gone',
    });
  });

  it('needs the context length from the engine itself', async () => {
    expect(await tokenFrom({ ...READY, '/v1/models': [200, { data: [] }] })).toEqual({
      kind: 'no_token',
      reason: '/v1/models does not tell the context length',
    });
  });

  it('does without a version', async () => {
    expect(await tokenFrom({ ...READY, '/version': [404, 'none'] })).toMatchObject({
      facts: { engineVersion: 'unknown' },
    });
  });

  it('sends no prompt to an engine that is not healthy', async () => {
    expect(await tokenFrom({ ...READY, '/health': [503] })).toEqual({ kind: 'dead', reason: '/health says 503' });
    expect(received).toHaveLength(1);
  });
});

describe('the health probe', () => {
  it('is healthy at 200', async () => {
    await serve(READY);
    expect(await probeHealth(target(), new AbortController().signal)).toEqual({ kind: 'healthy' });
  });

  it('is down when nobody listens', async () => {
    expect(await probeHealth(target(), new AbortController().signal)).toEqual({
      kind: 'down',
      reason: expect.stringMatching(/^it does not answer: connect ENOENT/) as string,
    });
  });

  it('takes an answer without an end for none, after a megabyte', async () => {
    let writtenBytes = 0;
    server = createServer((_, response) => {
      const chunk = Buffer.alloc(100_000);
      const write = (): void => {
        do writtenBytes += chunk.length;
        while (response.write(chunk));
        response.once('drain', write);
      };
      write();
    });
    server.listen(join(folder, 's'));
    await once(server, 'listening');
    expect(await probeHealth(target(), new AbortController().signal)).toMatchObject({ kind: 'down' });
    expect(writtenBytes).toBeLessThan(50_000_000);
  });

  it('is slow where Chorus itself has no descriptor left to ask with', async () => {
    await serve(READY);
    const url = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);
    const script = `import { openSync } from 'node:fs';
      const { probeHealth } = await import(${url('../../src/engine/health.ts')});
      const { systemClock: clock } = await import(${url('../../src/system/clock.ts')});
      try { for (;;) openSync('/dev/null'); } catch {}
      const target = { socketPath: ${JSON.stringify(join(folder, 's'))}, model: 'gpt-oss-20b', clock };
      console.log(JSON.stringify(await probeHealth(target, new AbortController().signal)));`;
    const command = 'ulimit -n 64; exec "$0" --input-type=module --eval "$1"';
    const { stdout } = await execa('bash', ['-c', command, process.execPath, script]);
    expect(JSON.parse(stdout)).toEqual({ kind: 'slow', reason: expect.stringContaining('EMFILE') as string });
  });

  it('is slow after five seconds without an answer', async () => {
    await serve(without('/health'));
    const result = probeHealth(target(), new AbortController().signal);
    await once(server ?? expect.fail(), 'request');
    clock.advance(5000);
    expect(await result).toEqual({ kind: 'slow', reason: 'it did not answer within 5 s' });
  });

  it('ends at once when it is no longer wanted, and leaves no timer', async () => {
    await serve(without('/health'));
    const unwanted = new AbortController();
    const result = probeHealth(target(), unwanted.signal);
    await once(server ?? expect.fail(), 'request');
    unwanted.abort();
    expect((await result).kind).toBe('slow');
    expect(clock.pendingTimers).toBe(0);
  });
});
