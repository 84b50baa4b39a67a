import fastify, { LogController, type FastifyInstance } from 'fastify';
import { MiB } from '../domain/units.ts';
import { newRequestId } from '../responses/ids.ts';
import type { GatewayDeps } from './gateway-deps.ts';
import { registerAuth } from './plugins/auth.ts';
import { registerCounting } from './plugins/count-requests.ts';
import { answerMalformedHttp, ignoreExpectations } from './malformed-http.ts';
import { registerOpenApi } from './openapi/register-openapi.ts';
import { registerForwardedAuthorization } from './plugins/forwarded-authorization.ts';
import { registerDrain } from './plugins/drain.ts';
import { registerErrors, sendError, unknownRoute } from './plugins/errors.ts';
import { registerJsonBody } from './plugins/json-body.ts';
import { registerNotFound } from './plugins/not-found.ts';
import { registerLimits } from './plugins/limits.ts';
import { registerAdmin } from './routes/admin.ts';
import { registerChat } from './routes/chat.ts';
import { registerCompletions } from './routes/completions.ts';
import { registerGenerate } from './routes/generate.ts';
import { registerHealth } from './routes/health.ts';
import { registerKeys } from './routes/keys.ts';
import { registerMetrics } from './routes/metrics.ts';
import { registerModels } from './routes/models.ts';
import { registerResponses } from './routes/responses.ts';
import { registerStoredResponses } from './routes/stored-responses.ts';
import { registerUsage } from './routes/usage.ts';

const BODY_LIMIT_BYTES = 32 * MiB;
/** From a request's first byte to its last; the answer may take as long as it likes. */
const REQUEST_TIMEOUT_MS = 60_000;

/** The server; `listen` in `listen.ts` opens it. */
export type Gateway = FastifyInstance;

/** The HTTP server with all its routes. It does not listen: the caller does. */
export function buildApp(deps: GatewayDeps): Gateway {
  const app = fastify({
    loggerInstance: deps.logger,
    logController: new LogController({ disableRequestLogging: true }),
    // What is logged of a request names it: a logger for each costs more than the few lines are worth.
    childLoggerFactory: (logger) => logger,
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    genReqId: newRequestId,
    routerOptions: { ignoreTrailingSlash: true },
    forceCloseConnections: 'idle',
    clientErrorHandler: answerMalformedHttp,
    // A path that cannot be decoded names nothing.
    frameworkErrors: (_error, request, reply) => void sendError(reply, unknownRoute(request)),
    ajv: {
      customOptions: {
        coerceTypes: false,
        removeAdditional: false,
        allErrors: false,
        useDefaults: false,
        verbose: true,
      },
    },
  });
  registerJsonBody(app);
  ignoreExpectations(app);
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id).header('chorus-engine', deps.engineHeader);
    done();
  });
  registerCounting(app, deps.onRequestEnd);
  registerErrors(app);
  registerNotFound(app);
  registerAuth(app, deps.access);
  if (deps.forwardsAuthorization) registerForwardedAuthorization(app);
  registerOpenApi(app, deps.version);
  registerRoutes(app, deps);
  return app;
}

/** As plugins, so that they come after the one that tells of them. */
function registerRoutes(app: Gateway, deps: GatewayDeps): void {
  app.register(async (outside) => {
    registerHealth(outside, deps);
    registerMetrics(outside, deps);
    registerAdmin(outside, deps);
    registerUsage(outside, deps);
    registerKeys(outside, deps.access);
  });
  app.register(async (api) => {
    registerGates(api, deps);
    registerGenerate(api, deps);
  });
  for (const prefix of ['/v1', '/api/v1']) {
    app.register(
      async (api) => {
        registerGates(api, deps);
        registerResponses(api, deps);
        registerStoredResponses(api, deps);
        registerChat(api, deps);
        registerCompletions(api, deps);
        registerModels(api, deps);
      },
      { prefix },
    );
  }
}

/** What keeps a request from beginning a turn. */
function registerGates(api: Gateway, { drain, access }: GatewayDeps): void {
  registerDrain(api, drain);
  registerLimits(api, access.limits);
}
