import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { CodedError } from '../../domain/errors.ts';
import { listUsage, totalUsage } from '../../ledger/usage-objects.ts';
import { MAX_LIMIT, readDimensions, readFilter, readPage, type UsageQueryText } from '../../ledger/usage-query.ts';
import type { UsageLedger } from '../../store/usage-ledger.ts';
import type { GatewayDeps } from '../gateway-deps.ts';
import { json, operation } from '../openapi/operation.ts';
import { UsageBody } from '../openapi/usage-bodies.ts';

interface UsageQuery extends UsageQueryText {
  readonly by?: string;
  readonly after?: string;
  readonly limit?: string;
}

const Words = Type.Object({
  since: Type.Optional(Type.String({ description: 'Ended then or later: `7d`, `12h`, a day (UTC) or a time.' })),
  until: Type.Optional(Type.String({ description: 'Ended before then.' })),
  project: Type.Optional(Type.String()),
  key: Type.Optional(Type.String({ description: 'The id of a key.' })),
  by: Type.Optional(
    Type.String({ description: 'Adds the rows up by a list of `project`, `key`, `day`, `model` and `api`.' }),
  ),
  after: Type.Optional(Type.String({ description: 'The `next_cursor` of the page before.' })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_LIMIT, default: 100 })),
});

const USAGE = operation({
  operationId: 'getUsage',
  summary: 'What requests cost',
  description: 'One row for every request whose turn began, the oldest first; with `by` their sums.',
  tags: ['admin'],
  parameters: Words,
  answers: { 200: json('A page of rows, or sums.', UsageBody) },
  errors: [
    'invalid_type',
    'invalid_value',
    'integer_below_minimum',
    'integer_above_maximum',
    'mutually_exclusive',
    'store_failed',
    'store_unavailable',
  ],
});

/** `GET /admin/usage`: the ledger, row by row or added up. */
export function registerUsage(app: FastifyInstance, deps: GatewayDeps): void {
  const ledger = (): UsageLedger => {
    const { memory } = deps.responses;
    if (memory !== null) return memory.store.usage;
    const message = 'Usage is not recorded, because nothing is stored here; the status of the server says why.';
    throw new CodedError('store_unavailable', message);
  };
  app.get<{ Querystring: UsageQuery }>('/admin/usage', USAGE, (request) => {
    const { by, after, limit, ...words } = checked(request.query);
    const filter = readFilter(words, deps.clock.nowMs());
    if (by === undefined) return listUsage(ledger(), { filter, ...readPage(after, limit) });
    if (after === undefined && limit === undefined) return totalUsage(ledger(), filter, readDimensions(by));
    const message = 'Sums come all at once: leave out after and limit, or by.';
    throw new CodedError('mutually_exclusive', message, { param: 'by' });
  });
}

/** A word that is unknown or comes twice would be a filter that is not applied. */
function checked(query: UsageQuery): UsageQuery {
  for (const [name, value] of Object.entries(query)) {
    if (!Object.hasOwn(Words.properties, name)) {
      const known = Object.keys(Words.properties).join(', ');
      const message = `Unknown parameter: ${name.slice(0, 40)}. There are ${known}.`;
      throw new CodedError('invalid_value', message, { param: name.slice(0, 40) });
    }
    if (typeof value !== 'string' || value === '') {
      throw new CodedError('invalid_value', `${name} must have one value.`, { param: name });
    }
  }
  return query;
}
