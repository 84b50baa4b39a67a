import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'undici';
import type { Replica } from '../../src/domain/replica.ts';
import { signalGroup } from '../../src/system/process-group.ts';
import { vocabularyDirectory } from '../../src/system/vocabulary.ts';
import { sumOf } from './prometheus.ts';
import { aReplica } from './replicas.ts';

export interface EngineExit {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
}

/** A real engine process on a socket of its own: the simulator or vLLM. */
export interface EngineProcess {
  readonly process: ChildProcess;
  readonly socketPath: string;
  /** Everything printed so far, both streams, in the order in which it was printed. */
  readonly output: () => string;
  readonly exit: Promise<EngineExit>;
  /** Resolves once the output holds `text`; rejects when the process ends before. */
  readonly printed: (text: string) => Promise<void>;
  /** Resolves when it serves. */
  readonly ready: Promise<void>;
  readonly replica: (facts?: Partial<Replica>) => Replica;
  /** A GET, or a POST of a JSON body. Rejects when it cannot connect. */
  readonly ask: (path: string, body?: unknown) => Promise<HttpAnswer>;
  /** The value of a vLLM metric, by its name without `vllm:`. */
  readonly metric: (name: string) => Promise<number>;
  /** SIGKILL to the whole group; resolves when the leader is gone. Harmless afterwards. */
  readonly kill: () => Promise<EngineExit>;
}

const SIMULATOR_PATH = new URL('../../src/sim/main.ts', import.meta.url).pathname;
const READY_LINE = 'Application startup complete.';

const ENGINE_FLAGS = ['--max-model-len', '4096', '--enable-prompt-tokens-details', '--enable-scale-out'];
const NAME_FLAGS = ['--served-model-name', 'gpt-oss-20b', 'openai/gpt-oss-20b'];
const CACHE_FLAGS = ['--prefix-cache-retention-interval', '128'];

export interface SimulatorSettings {
  /** Added to the flags, later ones win. */
  readonly flags?: readonly string[];
  /** In place of all flags but `--uds`. */
  readonly onlyFlags?: readonly string[];
  /** Default: one of its own. */
  readonly socketPath?: string;
  /** It listens on this port of 127.0.0.1, and not on a socket. */
  readonly port?: number;
}

/** Starts the simulator as `serve openai/gpt-oss-20b` at once and without pauses; await `ready`. */
export function startSimulator({ flags = [], onlyFlags, socketPath, port }: SimulatorSettings = {}): EngineProcess {
  const fast = ['--sim-startup-ms', '0', '--sim-token-interval-ms', '1'];
  const args = onlyFlags ?? [...NAME_FLAGS, ...ENGINE_FLAGS, ...CACHE_FLAGS, ...fast, ...flags];
  return startEngine(process.execPath, [SIMULATOR_PATH, 'serve', 'openai/gpt-oss-20b', ...args], { socketPath, port });
}

/** Starts the real vLLM on the CPU: an interpreter of its environment, and the folder of the unpacked model. */
export function startVllm(python: string, modelPath: string): EngineProcess {
  const args = ['-m', 'vllm.entrypoints.openai.api_server', '--model', modelPath];
  const own = ['--enforce-eager', '--shutdown-timeout', '0'];
  return startEngine(python, [...args, ...NAME_FLAGS, ...ENGINE_FLAGS, ...CACHE_FLAGS, ...own], {
    env: {
      TIKTOKEN_ENCODINGS_BASE: vocabularyDirectory,
      VLLM_CPU_KVCACHE_SPACE: '1',
      VLLM_CPU_OMP_THREADS_BIND: 'nobind',
      OMP_NUM_THREADS: '1',
      HF_HUB_OFFLINE: '1',
      VLLM_NO_USAGE_STATS: '1',
    },
  });
}

interface Surroundings {
  readonly socketPath?: string | undefined;
  readonly port?: number | undefined;
  readonly env?: Readonly<Record<string, string>>;
}

function startEngine(file: string, args: readonly string[], surroundings: Surroundings): EngineProcess {
  const directory = mkdtempSync(join(tmpdir(), 'chorus-engine-'));
  const socketPath = surroundings.socketPath ?? join(directory, 's');
  const address = surroundings.port === undefined ? ['--uds', socketPath] : ['--port', String(surroundings.port)];
  // One pipe for both streams, so that what is printed arrives in its order.
  const child = spawn('sh', ['-c', 'exec "$0" "$@" 2>&1', file, ...args, ...address], {
    detached: true,
    env: { ...process.env, ...surroundings.env },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const exit = once(child, 'close').then(([exitCode, signal]): EngineExit => {
    rmSync(directory, { recursive: true, force: true });
    return { exitCode: exitCode as number | null, signal: signal as NodeJS.Signals | null };
  });
  let output = '';
  const printed = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (output.includes(text)) resolve();
      };
      child.stdout.on('data', look);
      void exit.then(() => reject(new Error(`the engine ended without printing ${text}:\n${output}`)));
      look();
    });
  const append = (chunk: Buffer): void => void (output += chunk.toString());
  child.stdout.on('data', append);
  const ready = printed(READY_LINE);
  ready.catch(() => {});
  const ask = (path: string, body?: unknown): Promise<HttpAnswer> => askOnce(socketPath, path, body);
  return {
    process: child,
    socketPath,
    output: () => output,
    exit,
    printed,
    ready,
    replica: (facts) => aReplica({ endpoint: { socketPath }, ...facts }),
    ask,
    metric: async (name) => sumOf((await ask('/metrics')).text, `vllm:${name}`),
    kill() {
      if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL');
      return exit;
    },
  };
}

async function askOnce(socketPath: string, path: string, body: unknown): Promise<HttpAnswer> {
  const client = new Client('http://localhost', { socketPath });
  try {
    const answer = await client.request(
      body === undefined
        ? { path, method: 'GET' }
        : {
            path,
            method: 'POST',
            body: typeof body === 'string' ? body : JSON.stringify(body),
            headers: { 'content-type': 'application/json' },
          },
    );
    return { status: answer.statusCode, text: await answer.body.text() };
  } finally {
    await client.close();
  }
}
