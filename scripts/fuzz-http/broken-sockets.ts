import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { sleep } from '../../src/domain/clock.ts';
import { systemClock } from '../../src/system/clock.ts';
import type { Random } from '../harmony/random.ts';

const LONG_QUESTION = 'Count to 100.';
/** Echoed in the first and in the last events: three times as much as the kernel keeps for a reader that does not read. */
const LONG_INSTRUCTIONS = 'Be kind. '.repeat(300_000);
const READ_DEADLINE_MS = 10_000;
const STOPPED_READER_MS = 300;

/** One way in which a client goes wrong. Resolves when it has gone. */
type Breakage = (port: number, random: Random) => Promise<void>;

/** Every way to go away, by name. What matters is what is left behind in the server: nothing. */
export const BREAKAGES: Readonly<Record<string, Breakage>> = {
  'cut in the head': async (port, random) => {
    const { head } = streamRequest();
    await cutAfter(port, head.subarray(0, random.between(1, head.length - 1)), random);
  },
  'cut in the body': async (port, random) => {
    const { head, body } = streamRequest();
    await cutAfter(port, Buffer.concat([head, body.subarray(0, random.below(body.length))]), random);
  },
  'cut after the body': async (port, random) => {
    const { head, body } = streamRequest();
    await cutAfter(port, Buffer.concat([head, body]), random);
  },
  'cut in mid-stream': async (port, random) => {
    const socket = await send(port, wholeRequest());
    await untilReceived(socket, random.between(1, 12_000));
    leave(socket, random);
  },
  'stops reading, then leaves': async (port, random) => {
    const socket = await send(port, wholeRequest(LONG_INSTRUCTIONS));
    socket.pause();
    await sleep(systemClock, STOPPED_READER_MS);
    leave(socket, random);
  },
  'stops reading, then reads the rest': async (port) => {
    const socket = await send(port, wholeRequest(LONG_INSTRUCTIONS));
    socket.pause();
    await sleep(systemClock, STOPPED_READER_MS);
    socket.resume();
    await untilText(socket, 'data: [DONE]');
    socket.destroy();
  },
  'closes its side after the body': async (port) => {
    const socket = await send(port, wholeRequest());
    socket.end();
    socket.resume();
    await closed(socket);
  },
  'says nothing, then leaves': async (port, random) => {
    leave(await send(port, Buffer.alloc(0)), random);
  },
};

function streamRequest(instructions = ''): { readonly head: Buffer; readonly body: Buffer } {
  const body = Buffer.from(JSON.stringify({ model: 'gpt-oss-20b', input: LONG_QUESTION, stream: true, instructions }));
  const lines = ['POST /v1/responses HTTP/1.1', 'host: 127.0.0.1', 'content-type: application/json'];
  return { head: Buffer.from(`${lines.join('\r\n')}\r\ncontent-length: ${body.length}\r\n\r\n`), body };
}

const wholeRequest = (instructions = ''): Buffer => Buffer.concat(Object.values(streamRequest(instructions)));

async function send(port: number, bytes: Buffer): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  socket.on('error', () => {});
  await once(socket, 'connect');
  await new Promise<void>((resolve) => {
    socket.write(bytes, () => resolve());
  });
  return socket;
}

async function cutAfter(port: number, bytes: Buffer, random: Random): Promise<void> {
  leave(await send(port, bytes), random);
}

/** An orderly end, or a reset as from a crash. */
function leave(socket: Socket, random: Random): void {
  if (random.chance(50)) socket.resetAndDestroy();
  else socket.destroy();
}

const untilReceived = (socket: Socket, byteCount: number): Promise<void> => {
  let received = 0;
  return until(socket, (bytes) => (received += bytes.length) >= byteCount);
};

/** The text may be cut anywhere: what is looked at overlaps with what came before. */
const untilText = (socket: Socket, text: string): Promise<void> => {
  let tail = '';
  return until(socket, (bytes) => {
    tail = (tail + bytes.toString('latin1')).slice(-2 * Math.max(text.length, bytes.length));
    return tail.includes(text);
  });
};

/** Resolves when a read satisfies `enough`, the server closes, or nothing more comes. */
function until(socket: Socket, enough: (bytes: Buffer) => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = systemClock.schedule(READ_DEADLINE_MS, () => reject(new Error('the stream did not go on')));
    const finish = (): void => {
      cancel();
      resolve();
    };
    socket.on('data', (bytes: Buffer) => {
      if (enough(bytes)) finish();
    });
    socket.on('close', finish);
    socket.on('end', finish);
  });
}

async function closed(socket: Socket): Promise<void> {
  if (!socket.closed) await until(socket, () => false);
  socket.destroy();
}
