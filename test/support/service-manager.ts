import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { eventually } from './eventually.ts';

export interface FakeServiceManager {
  /** For `NOTIFY_SOCKET`. */
  readonly socket: string;
  /** Everything that it was told, in order; what only carries the descriptor of a barrier apart. */
  readonly told: Readonly<Record<string, string>>[];
  readonly close: () => void;
}

const LISTENER = fileURLToPath(new URL('children/notify-listener.ts', import.meta.url));

/** Listens as systemd does, on a socket of its own. Needs `systemd-socket-activate`. */
export async function startServiceManager(): Promise<FakeServiceManager> {
  const folder = mkdtempSync(join(tmpdir(), 'chorus-notify-'));
  const socket = join(folder, 'notify');
  const child: ChildProcess = spawn(
    'systemd-socket-activate',
    ['--datagram', '--listen', socket, process.execPath, LISTENER],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const told: Record<string, string>[] = [];
  createInterface({ input: child.stdout ?? process.stdin }).on('line', (line) => {
    const message = JSON.parse(line) as Record<string, string>;
    if (!('BARRIER' in message)) told.push(message);
  });
  await eventually('the socket of the service manager', 10_000, () => (existsSync(socket) ? true : null));
  return {
    socket,
    told,
    close: () => {
      child.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
