import type { FastifyInstance } from 'fastify';
import { Type, type Static } from 'typebox';
import type { Access } from '../../access/access.ts';
import { MAX_LIMIT } from '../../domain/limits.ts';

const Limit = Type.Optional(Type.Union([Type.Integer({ minimum: 1, maximum: MAX_LIMIT }), Type.Null()]));
const LimitsBody = Type.Object(
  { requestsPerMinute: Limit, tokensPerMinute: Limit, concurrent: Limit },
  { additionalProperties: false },
);
const KeyBody = Type.Object(
  {
    name: Type.String(),
    project: Type.Optional(Type.String()),
    /** Wall-clock; null or absent: never. */
    expiresAtMs: Type.Optional(Type.Union([Type.Integer(), Type.Null()])),
    limits: Type.Optional(LimitsBody),
  },
  { additionalProperties: false },
);

/** `/admin/keys` and `/admin/projects`: what `chorus keys` does, for other machines. A secret is in one answer only. */
export function registerKeys(app: FastifyInstance, access: Pick<Access, 'keys' | 'createKey'>): void {
  app.get('/admin/keys', () => access.keys.listing);
  app.post<{ Body: Static<typeof KeyBody> }>('/admin/keys', { schema: { body: KeyBody } }, async (request, reply) => {
    const made = await access.createKey(request.body);
    request.log.info({ reqId: request.id, keyId: made.id }, 'key made');
    return reply.code(201).send(made);
  });
  app.delete<{ Params: { key: string } }>('/admin/keys/:key', async (request) => {
    const revoked = await access.keys.revoke(request.params.key);
    request.log.info({ reqId: request.id, keyId: revoked.id }, 'key revoked');
    return revoked;
  });
  app.put<{ Params: { project: string }; Body: Static<typeof LimitsBody> }>(
    '/admin/projects/:project/limits',
    { schema: { body: LimitsBody } },
    async (request) => {
      const { project } = request.params;
      return { project, limits: await access.keys.limitProject(project, request.body) };
    },
  );
}
