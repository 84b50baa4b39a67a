import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import type { UsageObject } from '../../src/ledger/usage-objects.ts';

/** A batch as it came, taken or not. */
export interface Post {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly rows: readonly UsageObject[];
  readonly taken: boolean;
}

/** What the receiver does with a post: a status to answer with, or no answer. */
export type Answer = number | 'hang' | 'cut';

export interface Receiver {
  readonly url: string;
  readonly posts: readonly Post[];
  /** The ids of rows that were taken, in order, each as often as it was. */
  readonly taken: () => string[];
}

/** A real HTTP server that takes usage as `answer` says for each post, by its number from 0. */
export async function startReceiver(answer: (number: number) => Answer = () => 200): Promise<Receiver> {
  const posts: Post[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      const { data } = JSON.parse(body) as { data: UsageObject[] };
      const does = answer(posts.length);
      posts.push({ headers: request.headers, body, rows: data, taken: does === 200 });
      react(does, response);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const taken = (): string[] => posts.filter((post) => post.taken).flatMap(({ rows }) => rows.map(({ id }) => id));
  return { url: `http://127.0.0.1:${port}/usage?tenant=1`, posts, taken };
}

function react(does: Answer, response: ServerResponse): void {
  if (does === 'cut') response.destroy();
  else if (does !== 'hang') response.writeHead(does).end('noted');
}
