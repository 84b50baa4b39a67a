/**
 * Chorus's gateway as `chorus serve` builds it (pool, upstream, turn, store, HTTP), over replicas that are there already:
 * no engine is supervised, so that nothing but requests costs CPU.
 */
import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { pino } from 'pino';
import { Access } from '../../src/access/access.ts';
import { createSeal } from '../../src/access/seal.ts';
import { NO_LIMITS } from '../../src/domain/limits.ts';
import type { Replica } from '../../src/domain/replica.ts';
import { buildApp } from '../../src/gateway/app.ts';
import { createVocabulary } from '../../src/harmony/vocabulary.ts';
import { TurnEnds } from '../../src/ledger/turn-ends.ts';
import { Telemetry } from '../../src/metrics/telemetry.ts';
import { Pool } from '../../src/pool/pool.ts';
import { spellLogprob } from '../../src/responses/logprobs.ts';
import { openResponseStore } from '../../src/store/open-response-store.ts';
import { systemClock } from '../../src/system/clock.ts';
import { readVocabulary } from '../../src/system/vocabulary.ts';
import { allocateInYoungGeneration } from '../../src/system/young-generation.ts';
import { PromptEncoder } from '../../src/turn/prompt-encoder.ts';
import { Suspects } from '../../src/turn/suspects.ts';
import { createUpstream } from '../../src/upstream/upstream.ts';
import { readStart, serveParent } from './parent.ts';

export interface GatewayStart {
  /** One for each replica. */
  readonly socketPaths: readonly string[];
  /** For the store's files. */
  readonly directory: string;
}

/** There is one thing to ask. */
export interface GatewayRequest {
  readonly ask: 'state';
}

export interface GatewayState {
  readonly port: number;
  /** How late the event loop came round since it was last asked, beside the millisecond in which it looks. */
  readonly loopDelayMs: { readonly p50: number; readonly p99: number; readonly p999: number };
}

const LOADING_WAIT_MS = 10_000;
const STALL_TIMEOUT_MS = 120_000;
const SEAL_KEY_BYTES = 32;
const LISTEN_BACKLOG = 4096;

const { socketPaths, directory } = readStart() as GatewayStart;
allocateInYoungGeneration();
const opening = await openResponseStore({ directory, clock: systemClock });
if (opening.kind !== 'opened') throw new Error(opening.problem.message);
const vocabulary = createVocabulary(readVocabulary());
const suspects = new Suspects(systemClock);
const pool = new Pool({
  clock: systemClock,
  loadingWaitMs: LOADING_WAIT_MS,
  outlook: () => ({ mayBecomeReady: false, othersMayCome: false, leftMs: null, sentence: '' }),
  onEngineEnded: (replicaKey) => suspects.engineEnded(replicaKey),
});
const upstream = createUpstream({ clock: systemClock, stallTimeoutMs: STALL_TIMEOUT_MS });
let closing = false;
const notHere = (): never => {
  throw new Error('the benchmark has no operator');
};
const logger = pino({ enabled: false });
const telemetry = new Telemetry({
  clock: systemClock,
  logger,
  version: 'bench',
  model: () => 'gpt-oss-20b',
  store: opening.store,
  engines: () => [],
  seats: () => pool.view(),
  waiting: () => pool.waiting,
  isReady: () => true,
  cordonedGpus: () => [],
  hasUsageWebhook: () => false,
  round: () => {},
});
telemetry.start();
const app = buildApp({
  access: new Access({
    stateDir: directory,
    apiKeyFile: null,
    adminKeyFile: null,
    isPublic: false,
    noKey: false,
    limits: NO_LIMITS,
    clock: systemClock,
  }),
  forwardsAuthorization: false,
  responses: {
    clock: systemClock,
    memory: { store: opening.store, retentionMs: 86_400_000 },
    turnEnds: new TurnEnds({
      clock: systemClock,
      listeners: [telemetry.onTurnEnd],
      ledger: opening.store.usage,
      isSimulated: () => true,
      onRowLost: telemetry.onUsageRowLost,
    }),
    turn: {
      vocabulary,
      prompts: new PromptEncoder(vocabulary, 64_000_000),
      pool,
      openTokenStream: upstream.openTokenStream,
      suspects,
      onAttemptFailed: (event) => {
        if (!closing) console.error('attempt failed', event);
      },
    },
  },
  clock: systemClock,
  logger,
  version: 'bench',
  modelState: () => ({ state: 'ready', sentence: '', progress: null, contextTokens: null, simulated: false }),
  prepare: {
    whyNotServed: () => null,
    showReasoning: true,
    defaultTemperature: 1,
    spellLogprob: (logprob) => spellLogprob(vocabulary, logprob),
    ...createSeal(randomBytes(SEAL_KEY_BYTES)),
  },
  readiness: () => ({ ready: true, sentence: '' }),
  whyNotAlive: () => null,
  metrics: telemetry.metrics,
  onRequestEnd: telemetry.onRequestEnd,
  engineHeader: 'vllm',
  drain: { isClosing: () => false, isRefusing: () => false },
  operator: {
    drain: notHere,
    restart: notHere,
    start: notHere,
    engine: notHere,
    reload: notHere,
    logs: notHere,
  },
  status: notHere,
});

const aReplica = (socketPath: string, index: number): Replica => ({
  engineId: `e${index}`,
  generation: 1,
  model: 'gpt-oss-20b',
  servedName: 'gpt-oss-20b',
  endpoint: { socketPath },
  tokenRoute: 'generate',
  maxModelLen: 131_072,
  engineVersion: '0.32.0',
  simulated: false,
});

for (const [index, path] of socketPaths.entries()) pool.admit(aReplica(path, index));
await app.listen({ host: '127.0.0.1', port: 0, backlog: LISTEN_BACKLOG });

const loop = monitorEventLoopDelay({ resolution: 1 });
loop.enable();

function readState(): GatewayState {
  const at = (percent: number): number => loop.percentile(percent) / 1e6;
  const loopDelayMs = { p50: at(50), p99: at(99), p999: at(99.9) };
  loop.reset();
  return { port: (app.server.address() as AddressInfo).port, loopDelayMs };
}

serveParent(readState, () => {
  closing = true;
  app.server.closeAllConnections();
  void app.close();
  telemetry.stop();
  void upstream.close();
  void opening.store.close();
});
