import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type, type Static } from 'typebox';
import type { Access } from '../../access/access.ts';
import { CodedError } from '../../domain/errors.ts';
import { MAX_LIMIT } from '../../domain/limits.ts';
import { KeyListBody, KeyViewBody, NewKeyBody, ProjectLimitsBody } from '../openapi/key-bodies.ts';
import { json, operation } from '../openapi/operation.ts';
import { withoutNulls } from '../validation.ts';

const Limit = Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_LIMIT }));
const LimitsWish = Type.Object(
  { requestsPerMinute: Limit, tokensPerMinute: Limit, concurrent: Limit },
  { additionalProperties: false },
);
const KeyWish = Type.Object(
  {
    name: Type.String(),
    project: Type.Optional(Type.String()),
    expiresAtMs: Type.Optional(Type.Integer({ description: 'Wall-clock, in milliseconds; left out: never.' })),
    limits: Type.Optional(LimitsWish),
  },
  { additionalProperties: false },
);

const tags = ['admin'] as const;
const LIST = operation({
  operationId: 'listKeys',
  summary: 'All named keys, and the limits of projects',
  tags,
  answers: { 200: json('The keys, without their secrets.', KeyListBody) },
});
const CREATE = operation({
  operationId: 'createKey',
  summary: 'Makes a named key',
  tags,
  body: KeyWish,
  answers: { 201: json('The key, with its secret.', NewKeyBody) },
});
const REVOKE = operation({
  operationId: 'revokeKey',
  summary: 'Ends a named key, by its id or name',
  tags,
  answers: { 200: json('The key that was.', KeyViewBody) },
});
const LIMIT_PROJECT = operation({
  operationId: 'limitProject',
  summary: 'Gives a project limits of its own',
  description: 'What is left out is as the settings say.',
  tags,
  body: LimitsWish,
  answers: { 200: json('The limits that the project has of its own.', ProjectLimitsBody) },
});

/** `/admin/keys` and `/admin/projects`: what `chorus keys` does, for other machines. A secret is in one answer only. */
export function registerKeys(app: FastifyInstance, access: Pick<Access, 'keys' | 'createKey'>): void {
  app.get('/admin/keys', LIST, () => access.keys.listing);
  app.post<{ Body: Static<typeof KeyWish> }>(
    '/admin/keys',
    { ...CREATE, preValidation: readWish },
    async (request, reply) => {
      const made = await access.createKey(request.body);
      request.log.info({ reqId: request.id, keyId: made.id }, 'key made');
      return reply.code(201).send(made);
    },
  );
  app.delete<{ Params: { key: string } }>('/admin/keys/:key', REVOKE, async (request) => {
    const revoked = await access.keys.revoke(request.params.key);
    request.log.info({ reqId: request.id, keyId: revoked.id }, 'key revoked');
    return revoked;
  });
  app.put<{ Params: { project: string }; Body: Static<typeof LimitsWish> }>(
    '/admin/projects/:project/limits',
    { ...LIMIT_PROJECT, preValidation: readWish },
    async (request) => {
      const { project } = request.params;
      return { project, limits: await access.keys.limitProject(project, request.body) };
    },
  );
}

async function readWish(request: FastifyRequest): Promise<void> {
  if (request.body === undefined) throw new CodedError('empty_body', 'The body is empty. Send a JSON object.');
  request.body = withoutNulls(request.body);
}
