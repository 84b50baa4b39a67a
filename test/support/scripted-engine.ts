import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface ReceivedRequest {
  readonly head: string;
  readonly body: string;
}

export interface ScriptedEngine {
  readonly socketPath: string;
  /** Every request received so far. */
  readonly requests: readonly ReceivedRequest[];
  close(): Promise<void>;
}

/** A server on a unix socket that reads requests and leaves every byte of the answers to `script`. */
export async function startScriptedEngine(
  script: (socket: Socket, request: ReceivedRequest) => void,
): Promise<ScriptedEngine> {
  const directory = mkdtempSync(join(tmpdir(), 'chorus-script-'));
  const socketPath = join(directory, 's');
  const requests: ReceivedRequest[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => {});
    let received = Buffer.alloc(0);
    socket.on('data', (bytes) => {
      received = Buffer.concat([received, bytes]);
      const headEnd = received.indexOf('\r\n\r\n');
      if (headEnd === -1) return;
      const head = received.subarray(0, headEnd).toString();
      const bodyEnd = headEnd + 4 + Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
      if (received.length < bodyEnd) return;
      const request = { head, body: received.subarray(headEnd + 4, bodyEnd).toString() };
      received = received.subarray(bodyEnd);
      requests.push(request);
      script(socket, request);
    });
  });
  server.listen(socketPath);
  await once(server, 'listening');
  return {
    socketPath,
    requests,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** The head of a 200 answer with a stream. */
export const STREAM_HEAD =
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n';

/** One HTTP chunk. */
export const httpChunk = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;

/** One HTTP chunk with one server-sent event of this data. */
export const frame = (data: object | string): string =>
  httpChunk(`data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`);

/** The last HTTP chunk. */
export const STREAM_END = '0\r\n\r\n';

/** A whole response that is not a stream. */
export const jsonAnswer = (status: number, body: string): string =>
  `HTTP/1.1 ${status} X\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

/** Writes byte after byte, each in a turn of the event loop of its own. */
export async function writeBytewise(socket: Socket, bytes: Buffer): Promise<void> {
  for (const byte of bytes) {
    socket.write(Buffer.of(byte));
    await new Promise((resolve) => setImmediate(resolve));
  }
}
