import { Type } from 'typebox';
import { MODEL_IDS } from '../../domain/model.ts';
import { nullable } from './nullable.ts';

const Count = Type.Integer({ minimum: 0 });
/** What changes with the machine and is for people to read. */
const Open = Type.Record(Type.String(), Type.Unknown());

export const PlanBody = Type.Object({
  model: nullable(Type.Enum([...MODEL_IDS])),
  placements: Type.Array(Open),
  rejections: Type.Array(Open),
  summary: Type.String(),
  reasons: Type.Array(Type.String()),
  notServed: Type.Record(Type.String(), Type.String()),
});

export const EngineReportBody = Type.Object({
  engineId: Type.String(),
  model: Type.Enum([...MODEL_IDS]),
  kind: Type.Enum(['gpu', 'cpu', 'simulated']),
  gpus: Type.Array(Open),
  phase: Type.String(),
  sentence: Type.String({ description: 'What it does, or what went wrong and what happens next.' }),
  mayBecomeReady: Type.Boolean(),
  progress: nullable(Open),
  pid: nullable(Type.Integer()),
  generation: Count,
  restarts: Count,
  lastFailure: nullable(Open),
  recent: Type.Array(Open),
  engineVersion: nullable(Type.String()),
  socketPath: Type.String(),
  logFile: nullable(Type.String()),
  inFlight: Count,
  served: Count,
});

export const EngineListBody = Type.Object({ engines: Type.Array(EngineReportBody) });

export const StatusReportBody = Type.Object({
  version: Type.String(),
  pid: Type.Integer(),
  url: Type.String(),
  simulated: Type.Boolean(),
  ready: Type.Boolean(),
  reason: Type.String(),
  setup: Type.Array(Open),
  engines: Type.Array(EngineReportBody),
  plan: PlanBody,
  cordoned: Type.Array(Open),
  gpuWatch: nullable(Open),
  roll: nullable(Open),
  usageWebhook: nullable(Open),
  store: Open,
});

export const AnswerOfOrder = Type.Object({
  before: EngineReportBody,
  drainMs: Type.Number({ minimum: 0, description: 'How long its answers may go on.' }),
});

export const ReloadReportBody = Type.Object({
  file: nullable(Type.String()),
  warnings: Type.Array(Type.String()),
  changes: Type.Array(Open),
  uncordoned: Type.Array(Count),
  plan: nullable(Type.String()),
});
