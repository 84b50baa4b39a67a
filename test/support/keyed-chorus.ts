import { rmSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { request } from 'undici';
import { afterEach, expect } from 'vitest';
import type { NewKey } from '../../src/access/key-ring.ts';
import { newStateDir, startChorus, type RunningChorus } from './chorus-process.ts';

const ROOT = new URL('../..', import.meta.url).pathname;
const SERVE = ['--engine', 'simulated', '--replicas', '1'];
/** A start, a few commands and answers on a loaded machine. */
export const PATIENCE_MS = 120_000;

interface Ran {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: { readonly id?: string; readonly error?: { readonly code: string | null; readonly message: string } };
}

type Method = 'GET' | 'POST' | 'DELETE';

/** A state directory for each test, the real commands on it, and requests with this key or that. */
export class KeyedChorus {
  stateDir = newStateDir();
  #running: RunningChorus | null = null;

  constructor() {
    afterEach(async () => {
      await this.stop();
      rmSync(this.stateDir, { recursive: true, force: true });
      this.stateDir = newStateDir();
    });
  }

  get url(): string {
    return this.#running?.url ?? expect.fail('nothing runs');
  }

  async serve(...flags: readonly string[]): Promise<void> {
    this.#running = await startChorus([...SERVE, ...flags], this.stateDir);
  }

  async stop(): Promise<void> {
    await this.#running?.stop();
    this.#running = null;
  }

  /** `chorus keys …` */
  async keys(...words: readonly string[]): Promise<Ran> {
    const args = ['scripts/chorus.js', 'keys', ...words, '--state-dir', this.stateDir];
    const { exitCode, stdout, stderr } = await execa(process.execPath, args, { cwd: ROOT, reject: false });
    return { exitCode, stdout, stderr };
  }

  async makeKey(...words: readonly string[]): Promise<NewKey> {
    const { exitCode, stdout, stderr } = await this.keys('create', ...words, '--json');
    expect([exitCode, stderr]).toEqual([0, '']);
    return JSON.parse(stdout) as NewKey;
  }

  adminKey(): string {
    return readFileSync(join(this.stateDir, 'admin-key'), 'utf8').trim();
  }

  async ask(key: string, method: Method, path: string, body?: object): Promise<Answer> {
    const answer = await request(`${this.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, ...(body && { 'content-type': 'application/json' }) },
      body: body === undefined ? null : JSON.stringify(body),
      headersTimeout: PATIENCE_MS,
    });
    return { status: answer.statusCode, headers: answer.headers, body: (await answer.body.json()) as Answer['body'] };
  }

  create(key: string, body: object = {}): Promise<Answer> {
    const asked = { model: 'gpt-oss-20b', temperature: 0, input: 'What is 7 + 8?', ...body };
    return this.ask(key, 'POST', '/v1/responses', asked);
  }
}
