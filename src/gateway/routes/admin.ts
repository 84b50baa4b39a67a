import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { Type, type Static } from 'typebox';
import type { LogLine } from '../../logs/read-logs.ts';
import type { GatewayDeps } from '../gateway-deps.ts';
import { EngineListBody, PlanBody } from '../openapi/admin-bodies.ts';
import { ref } from '../openapi/components.ts';
import { json, operation, plainText } from '../openapi/operation.ts';

interface ById {
  Params: { id: string };
}

const LogQuery = Type.Object({
  follow: Type.Optional(Type.Enum(['true', 'false'])),
  lines: Type.Optional(Type.String({ pattern: '^\\d{1,5}$' })),
});
const DEFAULT_LINES = 100;

const tags = ['admin'] as const;
const STATUS = operation({
  operationId: 'getStatus',
  summary: 'How the server and its engines are',
  tags,
  answers: { 200: json('The status.', ref('Status')) },
});
const PLAN = operation({
  operationId: 'getPlan',
  summary: 'What runs where, and why',
  tags,
  answers: { 200: json('The plan.', PlanBody) },
});
const LIST_ENGINES = operation({
  operationId: 'listEngines',
  summary: 'All engines',
  tags,
  answers: { 200: json('All of the plan.', EngineListBody) },
});
const RETRIEVE_ENGINE = operation({
  operationId: 'retrieveEngine',
  summary: 'One engine',
  tags,
  answers: { 200: json('The engine.', ref('Engine')) },
});
const RELOAD = operation({
  operationId: 'reload',
  summary: 'Reads the settings again',
  description: 'Engines follow one after another; no request is lost.',
  tags,
  answers: { 200: json('What has changed.', ref('Reload')) },
  errors: ['reload_refused'],
});
const LOGS = operation({
  operationId: 'readEngineLogs',
  summary: 'Lines of the log of an engine',
  description: 'The id `chorus` stands for the log of Chorus itself. With `follow` the answer goes on.',
  tags,
  querystring: LogQuery,
  answers: { 200: plainText('The lines.', Type.String()) },
});

/** The summaries of what an engine can be ordered. */
const ORDERS = {
  drain: 'Stops an engine when its answers have finished',
  restart: 'Starts an engine anew when its answers have finished',
  start: 'Starts an engine that is stopped or has failed',
};

/**
 * `/admin/*`: what `chorus status`, `drain`, `restart`, `start`, `logs` and `reload` do, for other machines. An order to
 * an engine is answered with 202 at once; `GET /admin/engines/{id}` tells how far it is.
 */
export function registerAdmin(app: FastifyInstance, { status, operator }: GatewayDeps): void {
  app.get('/admin/status', STATUS, () => status());
  app.get('/admin/plan', PLAN, async () => (await status()).plan);
  app.get('/admin/engines', LIST_ENGINES, async () => ({ engines: (await status()).engines }));
  app.get<ById>('/admin/engines/:id', RETRIEVE_ENGINE, (request) => operator.engine(request.params.id));
  for (const name of ['drain', 'restart', 'start'] as const) {
    const told = operation({
      operationId: `${name}Engine`,
      summary: ORDERS[name],
      tags,
      answers: { 202: json('It will be done.', ref('EngineOrder')) },
      errors: ['card_out_of_use'],
    });
    app.post<ById>(`/admin/engines/:id/${name}`, told, (request, reply) =>
      reply.code(202).send(operator[name](request.params.id)),
    );
  }
  app.post('/admin/reload', RELOAD, () => operator.reload());
  app.get<ById & { Querystring: Static<typeof LogQuery> }>('/admin/engines/:id/logs', LOGS, (request, reply) => {
    const { follow, lines } = request.query;
    const wish = { count: Number(lines ?? DEFAULT_LINES), follow: follow === 'true', signal: closed(reply) };
    const log = operator.logs(request.params.id, wish);
    return reply.type('text/plain; charset=utf-8').send(Readable.from(texts(log)));
  });
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
