import type { FastifySchema } from 'fastify';
import { Type, type TSchema } from 'typebox';
import { ERRORS, type ErrorName } from '../../domain/errors.ts';
import { ref } from './components.ts';

/** What groups the routes, with the word on each group. */
export const TAGS = {
  responses: 'The Responses API: answers that are kept, continued, forked, listed and deleted.',
  'learning-v2': 'All that generates, and the models that do: what the client library `chorus/client` asks.',
  admin: "What the server's operator asks and orders.",
  probes: 'What probes, balancers and collectors ask.',
} as const;

/** One answer of an operation: what it means, and its body by content type. */
interface Answer {
  readonly description: string;
  readonly content: Readonly<Record<string, { readonly schema: TSchema }>>;
}

/** Another operation, and which part of an answer (`$response.body#/id`) each of its parameters is. */
interface Link {
  readonly operationId: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** One public operation, as `/openapi.json` tells of it. */
interface Operation {
  /** Unique; the routes under `/api/v1` get another one of their own. */
  readonly operationId: string;
  /** A few words. */
  readonly summary: string;
  /** More, as Markdown. */
  readonly description?: string;
  readonly tags: readonly (keyof typeof TAGS)[];
  /** Checked before the handler runs. */
  readonly body?: TSchema;
  /** A body that is answered. */
  readonly example?: object;
  /** Checked before the handler runs. */
  readonly querystring?: TSchema;
  /** Query parameters that the handler checks itself. */
  readonly parameters?: TSchema;
  /** By status: what it answers when nothing is wrong. */
  readonly answers: Readonly<Record<number, Answer>>;
  /** By status and name: what can be asked next, with what the answer says. */
  readonly links?: Readonly<Record<number, Readonly<Record<string, Link>>>>;
  /** What can be wrong, beside what can be with every request. */
  readonly errors?: readonly ErrorName[];
  /** Asked without a key. */
  readonly isOpen?: boolean;
}

/** What the documentation tells beside the schemas that requests are checked by. */
export type Documentation = Pick<Operation, 'parameters' | 'example' | 'answers' | 'errors' | 'isOpen'>;

declare module 'fastify' {
  interface FastifyContextConfig {
    documentation?: Documentation;
  }
}

interface OperationOptions {
  readonly schema: FastifySchema;
  readonly config: { readonly documentation: Documentation };
  readonly links?: NonNullable<Operation['links']>;
}

/**
 * The options of a route that stands in `/openapi.json`. What it answers is kept where Fastify's serializer does not look:
 * it would drop every field that the schema does not name, and take its time.
 */
export function operation(told: Operation): OperationOptions {
  const { parameters, example, answers, links, errors, isOpen, ...schema } = told;
  const documentation = {
    answers,
    ...(parameters && { parameters }),
    ...(example && { example }),
    ...(errors && { errors }),
    ...(isOpen && { isOpen }),
  };
  return { schema: { ...schema, tags: [...schema.tags] }, config: { documentation }, ...(links && { links }) };
}

export const json = (description: string, schema: TSchema): Answer => ({
  description,
  content: { 'application/json': { schema } },
});

export const plainText = (description: string, schema: TSchema): Answer => ({
  description,
  content: { 'text/plain': { schema } },
});

/**
 * One answer of two forms: JSON, or server-sent events. The schema of a stream is that of each of its events, as
 * OpenAPI 3.2 has it.
 */
export const jsonOrEvents = (description: string, schemas: { json: TSchema; event: TSchema }): Answer => ({
  description,
  content: {
    'application/json': { schema: schemas.json },
    'text/event-stream': { schema: serverSentEvent(schemas.event) },
  },
});

const serverSentEvent = (contentSchema: TSchema): TSchema =>
  Type.Object({
    event: Type.Optional(Type.String()),
    data: Type.Union([
      Type.String({ contentMediaType: 'application/json', contentSchema }),
      Type.Literal('[DONE]', { description: 'The last one.' }),
    ]),
  });

/** Errors as answers by status, each with the names of README's table. */
export function errorAnswers(names: readonly ErrorName[]): Record<number, Answer> {
  const byStatus = Object.groupBy(new Set(names), (name) => ERRORS[name].status);
  return Object.fromEntries(
    Object.entries(byStatus).map(([status, same = []]) => [status, json(same.toSorted().join(', '), ref('Error'))]),
  );
}
