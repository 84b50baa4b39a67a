import fastify, { LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import type { Clock } from '../domain/clock.ts';
import type { ModelId } from '../domain/model.ts';
import { MiB } from '../domain/units.ts';
import type { ResponsesDeps } from '../responses/create.ts';
import { newRequestId } from '../responses/ids.ts';
import { registerAuth, type AccessPolicy } from './plugins/auth.ts';
import { registerErrors } from './plugins/errors.ts';
import { registerHealth } from './routes/health.ts';
import { registerModels, type ModelState } from './routes/models.ts';
import { registerResponses } from './routes/responses.ts';
import { registerStatus, type StatusReport } from './routes/status.ts';

const BODY_LIMIT_BYTES = 32 * MiB;

export interface GatewayDeps {
  readonly access: AccessPolicy;
  readonly responses: ResponsesDeps;
  readonly clock: Clock;
  readonly logger: FastifyBaseLogger;
  /** Of Chorus itself. */
  readonly version: string;
  readonly modelState: (model: ModelId) => ModelState;
  /** Why a catalogue model will never be served by this process; null when it is or may be. */
  readonly whyNotServed: (model: ModelId) => string | null;
  readonly readiness: () => { readonly ready: boolean; readonly sentence: string };
  /** `vllm`, or `simulated` where no model answers: the value of the `chorus-engine` header. */
  readonly engineHeader: string;
  readonly status: () => StatusReport;
}

/** The HTTP server with all its routes. It does not listen: the caller does. */
export function buildApp(deps: GatewayDeps): FastifyInstance {
  const app = fastify({
    loggerInstance: deps.logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_LIMIT_BYTES,
    genReqId: newRequestId,
    routerOptions: { ignoreTrailingSlash: true },
    forceCloseConnections: 'idle',
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, allErrors: false, useDefaults: false } },
  });
  app.removeContentTypeParser('text/plain');
  registerErrors(app);
  registerAuth(app, deps.access);
  registerHealth(app, deps);
  registerStatus(app, deps);
  for (const prefix of ['/v1', '/api/v1']) {
    app.register(
      async (api) => {
        registerResponses(api, deps);
        registerModels(api, deps);
      },
      { prefix },
    );
  }
  return app;
}
