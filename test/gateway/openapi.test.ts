import { Validator } from '@seriousme/openapi-schema-validator';
import { pino } from 'pino';
import type { Static } from 'typebox';
import { beforeAll, describe, expect, expectTypeOf, it } from 'vitest';
import { ERRORS } from '../../src/domain/errors.ts';
import { buildApp, type Gateway } from '../../src/gateway/app.ts';
import type { GatewayDeps } from '../../src/gateway/gateway-deps.ts';
import { TAGS } from '../../src/gateway/openapi/operation.ts';
import type {
  ChatCompletionBody,
  CompletionBody,
  GenerationBody,
} from '../../src/gateway/openapi/completion-bodies.ts';
import type { ResponseBody } from '../../src/gateway/openapi/response-bodies.ts';
import type { ChatCompletion } from '../../src/protocol/chat.ts';
import type { Completion } from '../../src/protocol/completions.ts';
import type { Generation } from '../../src/protocol/generation.ts';
import type { ResponseObject } from '../../src/protocol/responses.ts';
import type { OpenApiDocument, OpenApiOperation } from '../support/openapi.ts';

/** Stands for whatever routes are made of: registering them asks nothing of it. */
const nothing: unknown = new Proxy(() => {}, {
  get: (_target, key) => (key === 'then' ? undefined : nothing),
  apply: () => nothing,
});

/** All routes of a tree as Fastify prints it, as `GET /path/{}`; parameters have no names there. */
function routesOf(tree: string): string[] {
  const parents: string[] = [];
  return tree.split('\n').flatMap((line) => {
    const [, indent = '', path = '', methods = ''] = /^([│├└─\s]*)(\S+) \((.+)\)$/.exec(line) ?? [];
    if (path === '') return [];
    const depth = indent.length / 4 - 1;
    const own = path.replace(/^\*$/, '/{}').replaceAll(/:\w+/g, '{}');
    parents.splice(depth, Infinity, (parents[depth - 1] ?? '') + own);
    return methods
      .split(', ')
      .filter((method) => method !== 'HEAD')
      .map((method) => `${method} ${parents[depth]}`);
  });
}

let app: Gateway;
let document: OpenApiDocument;
let tree: string;

beforeAll(async () => {
  const told = {
    access: { isKeyless: false, holderOf: () => null },
    logger: pino({ enabled: false }),
    version: '1.2.3',
    engineHeader: 'none',
  };
  const deps = new Proxy(told, { get: (known, key) => Reflect.get(known, key) ?? nothing }) as unknown as GatewayDeps;
  app = buildApp(deps);
  await app.ready();
  tree = app.printRoutes({ commonPrefix: false });
  document = (await app.inject('/openapi.json')).json();
});

const operations = (): (OpenApiOperation & { readonly route: string })[] =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, told]) => ({ ...told, route: `${method.toUpperCase()} ${path}` })),
  );

describe('/openapi.json', () => {
  it('is valid OpenAPI 3.1', async () => {
    expect(document).toMatchObject({ openapi: '3.1.0', info: { version: '1.2.3' } });
    expect(await new Validator().validate({ ...document })).toMatchObject({ valid: true });
  });

  it('has every route that the server has, and no other', () => {
    const told = operations().map(({ route }) => route.replaceAll(/\{\w+\}/g, '{}'));
    expect(routesOf(tree)).toContain('POST /v1/responses');
    expect(told.toSorted()).toEqual(routesOf(tree).toSorted());
  });

  it('says of every route what it is for, where it belongs and what it answers', () => {
    const remedy = 'give the route the options that operation() of src/gateway/openapi/operation.ts makes';
    const problems = operations().flatMap(({ route, summary, operationId, tags = [], responses }) => [
      ...(summary ? [] : [`${route} has no summary: ${remedy}`]),
      ...(operationId ? [] : [`${route} has no operationId: ${remedy}`]),
      ...(tags.length > 0 ? [] : [`${route} has no tag: ${remedy}`]),
      ...(Object.values(responses).every(({ content }) => content) ? [] : [`${route} has an answer without content`]),
    ]);
    expect(problems).toEqual([]);
  });

  it('names every operation once', () => {
    const ids = operations().map(({ operationId }) => operationId);
    expect(ids).toEqual([...new Set(ids)]);
  });

  it('has the tags responses, learning-v2 and admin, and uses no other than it explains', () => {
    const explained = document.tags.map(({ name }) => name);
    expect(explained).toEqual(Object.keys(TAGS));
    expect(new Set(operations().flatMap(({ tags = [] }) => tags))).toEqual(new Set(explained));
    const tagsOf = (route: string) => operations().find((told) => told.route === route)?.tags;
    expect(tagsOf('POST /v1/responses')).toEqual(['responses', 'learning-v2']);
    const admin = operations().filter(({ route }) => route.includes(' /admin/'));
    expect(admin.filter(({ tags }) => tags?.join() !== 'admin')).toEqual([]);
  });

  it('says of some operation that it answers each error of the table', () => {
    const told = operations().flatMap(({ responses }) => Object.entries(responses));
    const isTold = ([name, { status }]: [string, { status: number }]): boolean =>
      told.some(([code, { description }]) => code === String(status) && description.split(', ').includes(name));
    const untold = Object.entries(ERRORS).filter((entry) => !isTold(entry));
    expect(untold.map(([name]) => name)).toEqual([]);
  });

  it('asks for a key wherever the server does', async () => {
    const open = operations().filter(({ security }) => security?.length === 0);
    const asked = await Promise.all(
      operations().map(async ({ route }) => {
        const [method, url] = route.split(' ') as ['GET', string];
        const { statusCode } = await app.inject({ method, url, headers: { authorization: 'Bearer sk-wrong' } });
        return statusCode === 401 ? [] : [route];
      }),
    );
    expect(open.map(({ route }) => route).toSorted()).toEqual(asked.flat().toSorted());
    expect(open.length).toBeGreaterThan(5);
  });

  it('documents the objects that the sources have', () => {
    expectTypeOf<ResponseObject>().toExtend<Static<typeof ResponseBody>>();
    expectTypeOf<ChatCompletion>().toExtend<Static<typeof ChatCompletionBody>>();
    expectTypeOf<Completion>().toExtend<Static<typeof CompletionBody>>();
    expectTypeOf<keyof Generation>().toEqualTypeOf<keyof Static<typeof GenerationBody>>();
  });

  it('takes null for every setting that may be left out', () => {
    const body = document.paths['/v1/responses']?.['post']?.requestBody?.content['application/json']?.schema;
    expect(body).toMatchObject({
      required: ['model'],
      properties: {
        model: { type: 'string' },
        seed: { anyOf: [{ type: 'integer' }, { type: 'null' }] },
        reasoning: { anyOf: [{ properties: { effort: { anyOf: [{}, { type: 'null' }] } } }, { type: 'null' }] },
      },
    });
  });
});
