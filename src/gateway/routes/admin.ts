import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { Type, type Static } from 'typebox';
import type { LogLine } from '../../logs/read-logs.ts';
import type { GatewayDeps } from '../gateway-deps.ts';
import type { EngineOrder } from '../operator.ts';

interface ById {
  Params: { id: string };
}

const LogQuery = Type.Object({
  follow: Type.Optional(Type.Enum(['true', 'false'])),
  lines: Type.Optional(Type.String({ pattern: '^\\d{1,6}$' })),
});
const DEFAULT_LINES = 100;

/**
 * `/admin/*`: what `chorus status`, `drain`, `restart`, `start`, `logs` and `reload` do, for other machines. An order to
 * an engine is answered with 202 at once; `GET /admin/engines/{id}` tells how far it is.
 */
export function registerAdmin(app: FastifyInstance, { status, operator }: GatewayDeps): void {
  app.get('/admin/status', () => status());
  app.get('/admin/plan', async () => (await status()).plan);
  app.get('/admin/engines', async () => ({ engines: (await status()).engines }));
  app.get<ById>('/admin/engines/:id', (request) => operator.engine(request.params.id));
  const orders: Readonly<Record<string, (engineId: string) => EngineOrder>> = {
    drain: (engineId) => operator.drain(engineId),
    restart: (engineId) => operator.restart(engineId),
    start: (engineId) => operator.start(engineId),
  };
  for (const [name, order] of Object.entries(orders)) {
    app.post<ById>(`/admin/engines/:id/${name}`, (request, reply) => reply.code(202).send(order(request.params.id)));
  }
  app.post('/admin/reload', () => operator.reload());
  app.get<ById & { Querystring: Static<typeof LogQuery> }>(
    '/admin/engines/:id/logs',
    { schema: { querystring: LogQuery } },
    (request, reply) => {
      const { follow, lines } = request.query;
      const wish = { count: Number(lines ?? DEFAULT_LINES), follow: follow === 'true', signal: closed(reply) };
      const log = operator.logs(request.params.id, wish);
      return reply.type('text/plain; charset=utf-8').send(Readable.from(texts(log)));
    },
  );
}

async function* texts(lines: AsyncIterable<LogLine>): AsyncGenerator<string> {
  for await (const { text } of lines) yield `${text}\n`;
}

/** Aborts when the connection closes, after a whole answer too. */
function closed({ raw }: FastifyReply): AbortSignal {
  const controller = new AbortController();
  raw.on('close', () => controller.abort());
  return controller.signal;
}
