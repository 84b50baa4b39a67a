import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { GatewayRequest, GatewayStart, GatewayState } from './gateway.ts';
import type { LoadReply, LoadRequest } from './requests.ts';
import type { UpstreamReply, UpstreamRequest, UpstreamStart } from './upstream.ts';

/**
 * What is measured has a core of its own, and everything that makes the load shares the other one. `both`: what is
 * measured goes where it likes, as on a machine of its own.
 */
export type Core = 'measured' | 'harness' | 'both';

const CORES: Readonly<Record<Core, string>> = { measured: '1', harness: '0', both: '0,1' };
/** As the `chorus` command starts its own Node. */
const NODE_FLAGS = ['--max-semi-space-size=16'];

/** Whether processes can be kept on a core each. */
export const pinned: boolean = process.platform === 'linux' && availableParallelism() >= 2;

/** A process of the benchmark that answers one message at a time. */
export interface Program<Request, Reply> {
  readonly pid: number;
  ask(request: Request): Promise<Reply>;
  /** Closes its channel, upon which it ends in order; resolves when it has. */
  stop(): Promise<void>;
}

/** The gateway: Chorus's own parts over replicas that are known to be ready. */
export const startGateway = (
  start: GatewayStart,
  core: 'measured' | 'both',
): Promise<Program<GatewayRequest, GatewayState>> => startProgram('gateway', core, start);

/** The stand-in for the engines. */
export const startUpstream = (start: UpstreamStart): Promise<Program<UpstreamRequest, UpstreamReply>> =>
  startProgram('upstream', 'harness', start);

/** The clients. */
export const startLoad = (): Promise<Program<LoadRequest, LoadReply>> => startProgram('load', 'harness', {});

/** A child process on `core` (any core where there are not two). */
export function spawnOn(core: Core, command: readonly string[], stdio: StdioOptions): ChildProcess {
  const [file = '', ...args] = pinned ? ['taskset', '-c', CORES[core], ...command] : command;
  return spawn(file, args, { stdio });
}

async function startProgram<Request extends object, Reply>(
  name: string,
  core: Core,
  start: object,
): Promise<Program<Request, Reply>> {
  const file = fileURLToPath(new URL(`${name}.ts`, import.meta.url));
  const command = [process.execPath, ...NODE_FLAGS, file, JSON.stringify(start)];
  const child = spawnOn(core, command, ['ignore', 'inherit', 'inherit', 'ipc']);
  const exited = once(child, 'exit');
  const receive = async (): Promise<Reply> => {
    const [received] = (await Promise.race([once(child, 'message'), exited.then(() => [null])])) as [Reply | null];
    if (received === null) throw new Error(`the benchmark's ${name} ended with ${child.exitCode ?? child.signalCode}`);
    return received;
  };
  await receive();
  return {
    pid: child.pid ?? 0,
    ask: (request) => {
      child.send(request);
      return receive();
    },
    stop: async () => {
      if (child.connected) child.disconnect();
      await exited;
    },
  };
}
