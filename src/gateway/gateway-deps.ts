import type { FastifyBaseLogger } from 'fastify';
import type { Access } from '../access/access.ts';
import type { Clock } from '../domain/clock.ts';
import type { ModelId } from '../domain/model.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { RequestReport } from '../metrics/request-log.ts';
import type { ResponsesDeps } from '../responses/asked-response.ts';
import type { PrepareOptions } from '../responses/request.ts';
import type { Operator } from './operator.ts';
import type { DrainState } from './plugins/drain.ts';
import type { ModelState, StatusReport } from './reports.ts';

/** What the routes need of the rest of Chorus. */
export interface GatewayDeps {
  readonly access: Access;
  /** Some engine elsewhere is to have its callers' `Authorization` headers. */
  readonly forwardsAuthorization: boolean;
  readonly responses: ResponsesDeps;
  readonly clock: Clock;
  readonly logger: FastifyBaseLogger;
  /** Of Chorus itself. */
  readonly version: string;
  readonly modelState: (model: ModelId) => ModelState;
  /** How requests are prepared here: what is served, what is shown, and the seal of what clients carry. */
  readonly prepare: Omit<PrepareOptions, 'nowMs' | 'caller' | 'recalled' | 'retentionMs'>;
  readonly readiness: () => { readonly ready: boolean; readonly sentence: string };
  /** Why only a restart of Chorus helps, as a sentence; null while it is alive. */
  readonly whyNotAlive: () => string | null;
  readonly metrics: Pick<Metrics, 'page' | 'poolPage'>;
  /** Told of every request once its answer has been sent or its client has left. */
  readonly onRequestEnd: (report: RequestReport) => void;
  /** `vllm`, or `SIMULATED` where no model answers: the value of the `chorus-engine` header. */
  readonly engineHeader: string;
  readonly status: () => Promise<StatusReport>;
  readonly operator: Operator;
  readonly drain: DrainState;
}
