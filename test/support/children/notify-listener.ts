/**
 * Stands for the service manager: prints each message that reaches the unix datagram socket on descriptor 3, one JSON
 * object a line. `systemd-socket-activate --datagram` opens the socket, which Node.js cannot; a plain read takes one
 * message and closes the descriptors that come with it, for which `systemd-notify` waits.
 */
import { readSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const buffer = Buffer.alloc(65_536);

for (;;) {
  const text = receive();
  if (text === null) await sleep(5);
  else process.stdout.write(`${JSON.stringify(parse(text))}\n`);
}

function receive(): string | null {
  try {
    return buffer.toString('utf8', 0, readSync(3, buffer));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return null;
    throw error;
  }
}

function parse(text: string): Record<string, string> {
  const lines = text.split('\n').filter((line) => line !== '');
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}
