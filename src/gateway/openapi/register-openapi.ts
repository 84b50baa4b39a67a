import swagger from '@fastify/swagger';
import type { FastifyInstance, FastifySchema, RouteOptions } from 'fastify';
import { Type } from 'typebox';
import type { ErrorName } from '../../domain/errors.ts';
import { COMPONENTS } from './components.ts';
import { withNulls } from './nullable.ts';
import { errorAnswers, json, operation, TAGS, type Documentation } from './operation.ts';

/** The routes of one API stand under two prefixes; in the second their operations have names of their own. */
const SECOND_PREFIX = '/api/v1/';
const BEARER = 'bearer';

/** What can be wrong with any request. */
const ALWAYS: readonly ErrorName[] = [
  'bad_http',
  'request_timeout',
  'headers_too_large',
  'method_not_allowed',
  'forbidden_origin',
  'internal',
];
const WITH_KEY: readonly ErrorName[] = ['missing_key', 'wrong_key', 'forbidden_key'];
/** What can be wrong with a body, whether or not anybody reads it. */
const WITH_BODY: readonly ErrorName[] = ['bad_json', 'unsupported_media_type', 'body_too_large'];
const WITH_CHECKED_BODY: readonly ErrorName[] = [
  'empty_body',
  'missing_parameter',
  'invalid_type',
  'invalid_value',
  'integer_below_minimum',
  'integer_above_maximum',
  'decimal_below_minimum',
  'decimal_above_maximum',
  'string_too_long',
  'array_too_long',
  'object_too_large',
];

/** Collects every route that is registered after it, and answers `GET /openapi.json` with them. */
export function registerOpenApi(app: FastifyInstance, version: string): void {
  app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Chorus',
        version,
        description: 'gpt-oss on the GPUs of one machine. Everything under `/v1` is under `/api/v1` too.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
      components: {
        schemas: COMPONENTS as Record<string, object>,
        securitySchemes: {
          [BEARER]: { type: 'http', scheme: 'bearer', description: 'Any value, where the server has no key.' },
        },
      },
    },
    transform: ({ schema, url, route }) => ({ schema: documented(schema, route), url: url.replace('*', ':model') }),
  });
  app.register(async (routes) => {
    const told = operation({
      operationId: 'getOpenApi',
      summary: 'This document',
      tags: ['probes'],
      isOpen: true,
      answers: { 200: json('OpenAPI 3.1.', Type.Object({ openapi: Type.String() })) },
    });
    routes.get('/openapi.json', told, () => routes.swagger());
  });
}

/** A route's schema with what its documentation adds: its answers, errors, and who may ask. */
function documented(schema: FastifySchema | undefined, route: RouteOptions): FastifySchema {
  const { documentation } = route.config ?? {};
  // Stands there with its path alone, which a test does not let pass.
  if (schema === undefined || documentation === undefined) return { summary: '' };
  const { body, operationId, ...rest } = schema;
  const { parameters, example, answers } = documentation;
  return {
    ...rest,
    operationId: route.url.startsWith(SECOND_PREFIX) ? `${operationId}_api` : (operationId ?? ''),
    ...(body ? { body: { ...withNulls(body), ...(example && { examples: [example] }) } } : {}),
    ...(parameters && { querystring: parameters }),
    security: documentation.isOpen ? [] : [{ [BEARER]: [] }],
    response: { ...errorAnswers(errorsOf(route, documentation)), ...answers },
  };
}

function errorsOf({ method, url, schema }: RouteOptions, { isOpen, errors = [] }: Documentation): ErrorName[] {
  return [
    ...ALWAYS,
    ...(isOpen ? [] : WITH_KEY),
    ...(method === 'GET' ? [] : WITH_BODY),
    ...(schema?.body ? WITH_CHECKED_BODY : []),
    ...(method === 'POST' && !url.startsWith('/admin/') ? (['rate_limited'] as const) : []),
    ...(schema?.querystring ? (['invalid_type', 'invalid_value'] as const) : []),
    // A parameter that cannot be decoded, or is too long, names nothing.
    ...(/[:*]/.test(url) ? (['not_found'] as const) : []),
    ...errors,
  ];
}
