import { once } from 'node:events';
import type { RunningChorus } from '../../test/support/chorus-process.ts';
import { eventually } from '../../test/support/eventually.ts';

/** `NODE_OPTIONS` of a process whose garbage is to be collected from outside: any free port for its debugger. */
export const DEBUGGABLE = '--inspect-port=0';

/** A connection to the debugger of another process: nothing else makes it collect its garbage. */
export interface Collector {
  /** Collects all of it; resolves when that is done. */
  collect(): Promise<void>;
  close(): void;
}

const START_DEADLINE_MS = 10_000;

/** Wakes the debugger of the gateway `pid`, which prints where it listens, and connects to it. */
export async function openCollector({ output }: RunningChorus, pid: number): Promise<Collector> {
  process.kill(pid, 'SIGUSR1');
  const socket = new WebSocket(await eventually('the debugger', START_DEADLINE_MS, () => printedAddress(output())));
  await once(socket, 'open');
  let asked = 0;
  return {
    async collect() {
      const id = ++asked;
      const answered = once(socket, 'message');
      socket.send(JSON.stringify({ id, method: 'HeapProfiler.collectGarbage' }));
      await answered;
    },
    close: () => socket.close(),
  };
}

const printedAddress = (output: string): string | null => /Debugger listening on (ws:\S+)/.exec(output)?.[1] ?? null;
