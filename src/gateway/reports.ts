import type { CordonedGpu, Roll } from '../deployment/deployment.ts';
import type { Plan } from '../domain/placement.ts';
import type { ModelOutlook } from '../engine/outlook.ts';
import type { EngineStatus } from '../engine/status.ts';
import type { GpuWatchStatus } from '../gpu/gpu-watch.ts';
import type { WebhookStatus } from '../ledger/usage-webhook.ts';
import type { StoreReport } from '../responses/report-store.ts';
import type { SetupProgress } from '../setup/setup-plan.ts';

/** What a model is up to here. */
export interface ModelState extends ModelOutlook {
  /** Context in tokens, once an engine has told it. */
  readonly contextTokens: number | null;
  readonly simulated: boolean;
}

/** One engine as an operator sees it. */
export interface EngineReport extends EngineStatus {
  readonly inFlight: number;
  /** Requests given to this engine since Chorus started, those of its earlier starts included. */
  readonly served: number;
}

export interface StatusReport {
  /** Of Chorus itself. */
  readonly version: string;
  readonly pid: number;
  readonly url: string;
  readonly simulated: boolean;
  readonly ready: boolean;
  /** One sentence: what is ready, or why nothing is. */
  readonly reason: string;
  /** What is being installed and downloaded; empty once the engines have what they need. */
  readonly setup: readonly SetupProgress[];
  readonly engines: readonly EngineReport[];
  readonly plan: Plan;
  /** Cards that no engine is started on until an operator takes them back. */
  readonly cordoned: readonly CordonedGpu[];
  /** How well the cards can be seen; null where no engine runs on any. */
  readonly gpuWatch: GpuWatchStatus | null;
  /** The replacement of engines that goes on or was given up in the middle; null where the plan is what runs. */
  readonly roll: Roll | null;
  /** How it goes with the receiver of usage; null where there is none. */
  readonly usageWebhook: WebhookStatus | null;
  readonly store: StoreReport;
}
