import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the server answers to one request. */
export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** A JSON body; a text goes out as it is. */
  readonly body?: object | string;
  /** In place of a body: frames of an event stream, with `[DONE]` behind them. */
  readonly frames?: readonly object[];
  /** Breaks the connection off after the frames. */
  readonly breaksOff?: boolean;
}

export interface AskedRequest {
  /** Such as `POST /v1/responses`. */
  readonly route: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readonly<Record<string, unknown>>;
}

/** A server that says what it was told to. */
export interface ExchangeServer {
  /** Its OpenAI base URL. */
  readonly baseURL: string;
  /** Everything it was asked, in order. */
  readonly asked: readonly AskedRequest[];
  close(): Promise<void>;
}

/** Answers the requests of each route in the order in which the answers stand; the last one is given again and again. */
export async function startExchangeServer(
  answers: Readonly<Record<string, readonly Answer[]>>,
): Promise<ExchangeServer> {
  const asked: AskedRequest[] = [];
  const server = createServer((request, response) => {
    const route = `${request.method} ${request.url}`;
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const before = asked.filter((other) => other.route === route).length;
      const body = JSON.parse(Buffer.concat(chunks).toString() || '{}') as AskedRequest['body'];
      asked.push({ route, headers: request.headers, body });
      const given = answers[route];
      send(given?.[Math.min(before, given.length - 1)] ?? { status: 404, body: { detail: 'Not Found' } }, response);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    baseURL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    asked,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function send({ status = 200, headers = {}, body = '', frames, breaksOff = false }: Answer, response: ServerResponse) {
  const type = frames === undefined ? 'application/json' : 'text/event-stream';
  response.writeHead(status, { 'content-type': type, ...headers });
  if (frames === undefined) return response.end(typeof body === 'string' ? body : JSON.stringify(body));
  const text = frames.map((frame) => `data: ${JSON.stringify(frame)}\n\n`).join('');
  if (breaksOff) return response.write(text, () => response.destroy());
  return response.end(`${text}data: [DONE]\n\n`);
}
