import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Clock } from '../domain/clock.ts';
import type { TokenRoute } from '../domain/replica.ts';
import { createDecoder } from '../harmony/decode.ts';
import type { Vocabulary } from '../harmony/vocabulary.ts';
import { errorBody, frame, tokenChunk, usageChunk, wholeAnswer, type AnswerFacts } from './answer.ts';
import type { SimulatorOptions } from './command-line.ts';
import { completeTokens } from './completion.ts';
import type { GenerationSink, SimulatedEngine } from './engine.ts';
import {
  isRefusal,
  parseObject,
  readGenerationRequest,
  refuse,
  type GenerationRequest,
  type Refusal,
} from './generation-request.ts';
import { metricsPage } from './metrics.ts';

export interface ServerParts {
  readonly options: SimulatorOptions;
  readonly engine: SimulatedEngine;
  readonly vocabulary: Vocabulary;
  readonly clock: Clock;
  /** How late `/health` answers just now. */
  readonly healthDelayMs: () => number;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** The version whose behaviour is simulated. */
const VERSION = '0.32.0';
const OK = 200;

const ENGINE_DEAD = refuse(
  'EngineCore encountered an issue. See stack trace (above) for the root cause.',
  null,
  'InternalServerError',
  500,
);
const SCALE_OUT_DISABLED = refuse(
  'Scale-out endpoints are disabled. Restart vllm serve with --enable-scale-out to enable them.',
  null,
  'PermissionDeniedError',
  403,
);
const WRONG_MEDIA_TYPE = refuse(
  "1 validation error:\n  Unsupported Media Type: Only 'application/json' is allowed",
  null,
  'Bad Request',
);
const NO_REQUEST_IDS = refuse("Missing 'request_ids' in request body", null, 'Bad Request');

/** The HTTP side of the simulated engine; the caller lets it listen. */
export function createSimulatorServer(parts: ServerParts): Server {
  const routes = routesOf(parts);
  return createServer((request, response) => {
    response.setHeader('server', 'uvicorn');
    const path = (request.url ?? '').split('?')[0] ?? '';
    const handler = routes[`${request.method} ${path}`];
    if (handler) return handler(request, response);
    const known = Object.keys(routes).some((route) => route.endsWith(` ${path}`));
    sendJson(response, known ? 405 : 404, { detail: known ? 'Method Not Allowed' : 'Not Found' });
  });
}

function routesOf(parts: ServerParts): Readonly<Record<string, Handler>> {
  const { options, engine, clock, healthDelayMs } = parts;
  const startedAt = Math.floor(clock.nowMs() / 1000);
  const scaleOut = (handler: Handler): Handler => {
    return options.scaleOut ? handler : (_, response) => sendRefusal(response, SCALE_OUT_DISABLED);
  };
  return {
    'GET /health': (_, response) => {
      const answer = (): void => void response.writeHead(engine.dead ? 503 : OK).end();
      const delayMs = healthDelayMs();
      if (delayMs === 0) answer();
      else clock.schedule(delayMs, answer);
    },
    'GET /version': (_, response) => sendJson(response, OK, { version: VERSION }),
    'GET /v1/models': (_, response) => sendJson(response, OK, modelList(options, startedAt)),
    'GET /metrics': (_, response) => {
      const page = metricsPage(engine.counts, engine.reportedRunning, firstName(options), options.retentionTokens);
      response.writeHead(OK, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(page);
    },
    'POST /inference/v1/generate': scaleOut((request, response) => generate(parts, 'generate', request, response)),
    'POST /v1/completions': (request, response) => generate(parts, 'completions', request, response),
    'POST /inference/v1/abort_requests': scaleOut((request, response) =>
      readText(request, (text) => abortRequests(engine, text, response)),
    ),
  };
}

function generate(parts: ServerParts, route: TokenRoute, request: IncomingMessage, response: ServerResponse): void {
  if (!/^application\/json\b/.test(request.headers['content-type'] ?? ''))
    return sendRefusal(response, WRONG_MEDIA_TYPE);
  readText(request, (text) => {
    const wanted = readGenerationRequest(route, text, parts.options);
    if (isRefusal(wanted)) return sendRefusal(response, wanted);
    if (parts.engine.dead) return sendRefusal(response, ENGINE_DEAD);
    const header = request.headers['x-request-id'];
    const base = typeof header === 'string' ? header : (wanted.requestId ?? randomBytes(8).toString('hex'));
    run(parts, route, { base, wanted }, response);
  });
}

function run(
  { options, engine, vocabulary, clock }: ServerParts,
  route: TokenRoute,
  { base, wanted }: { readonly base: string; readonly wanted: GenerationRequest },
  response: ServerResponse,
): void {
  const id = route === 'generate' ? `generate-tokens-${base}` : `cmpl-${base}`;
  const decoder = createDecoder(vocabulary);
  const decode = (tokenIds: readonly number[]): string => (route === 'completions' ? decoder.push(tokenIds) : '');
  const completion = completeTokens(vocabulary, wanted.promptTokenIds, wanted.rule);
  const drop = engine.start(route === 'generate' ? id : `${id}-0`, wanted, completion, (cached) => {
    const cachedTokens = options.promptTokensDetails ? cached : null;
    const created = Math.floor(clock.nowMs() / 1000);
    const facts = { route, id, model: firstName(options), created, request: wanted, cachedTokens };
    return (wanted.stream ? streamSink : wholeSink)(facts, decode, response);
  });
  response.on('close', drop);
}

type Decode = (tokenIds: readonly number[]) => string;

/** Sends what it gets at once as one frame. */
function streamSink(facts: AnswerFacts, decode: Decode, response: ServerResponse): GenerationSink {
  let generated = 0;
  let first = true;
  openStream(response);
  return {
    onTokens(tokenIds, finish) {
      generated += tokenIds.length;
      response.write(frame(tokenChunk(facts, { tokenIds, text: decode(tokenIds), finish, first })));
      first = false;
      if (!finish) return;
      if (facts.request.includeUsage) response.write(frame(usageChunk(facts, generated)));
      response.end(frame('[DONE]'));
    },
    onDeath: () => response.end(frame(errorBody(ENGINE_DEAD)) + frame('[DONE]')),
  };
}

function wholeSink(facts: AnswerFacts, decode: Decode, response: ServerResponse): GenerationSink {
  return {
    onTokens(tokenIds, finish) {
      if (finish) sendJson(response, OK, wholeAnswer(facts, { tokenIds, text: decode(tokenIds), finish, first: true }));
    },
    onDeath: () => sendRefusal(response, ENGINE_DEAD),
  };
}

function abortRequests(engine: SimulatedEngine, text: string, response: ServerResponse): void {
  const ids = parseObject(text)?.['request_ids'];
  if (ids === undefined) return sendRefusal(response, NO_REQUEST_IDS);
  if (Array.isArray(ids)) for (const id of ids) engine.abort(String(id));
  response.writeHead(OK).end();
}

const firstName = ({ servedNames, model }: SimulatorOptions): string => servedNames[0] ?? model;

function modelList({ model, servedNames, maxModelLen }: SimulatorOptions, created: number): object {
  const facts = { object: 'model', created, owned_by: 'vllm', root: model, parent: null, max_model_len: maxModelLen };
  return { object: 'list', data: servedNames.map((id) => ({ id, ...facts })) };
}

function openStream(response: ServerResponse): ServerResponse {
  response.writeHead(OK, { 'content-type': 'text/event-stream; charset=utf-8' }).flushHeaders();
  return response;
}

function sendRefusal(response: ServerResponse, refusal: Refusal): void {
  if (refusal.late) openStream(response).end(frame(errorBody(refusal)) + frame('[DONE]'));
  else sendJson(response, refusal.status, errorBody(refusal));
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function readText(request: IncomingMessage, onText: (text: string) => void): void {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => onText(Buffer.concat(chunks).toString('utf8')));
}
