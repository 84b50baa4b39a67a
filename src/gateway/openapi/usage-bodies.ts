import { Type } from 'typebox';
import { USAGE_DIMENSIONS } from '../../store/usage-ledger.ts';
import { nullable } from './nullable.ts';

const Count = Type.Integer({ minimum: 0 });

const UsageRowBody = Type.Object({
  position: Type.Integer({ minimum: 1, description: 'Where it stands in the ledger.' }),
  id: Type.String({ description: 'Of the response, completion or generation.' }),
  ended_at: Type.String({ description: 'ISO 8601, UTC.' }),
  project: Type.String(),
  key: nullable(Type.String()),
  api: Type.Enum(['responses', 'chat', 'completions', 'generate']),
  model: Type.String(),
  stream: Type.Boolean(),
  outcome: Type.Enum(['completed', 'incomplete', 'failed', 'aborted']),
  error: nullable(Type.String()),
  simulated: Type.Boolean({ description: 'No model answered, but the simulator.' }),
  input_tokens: Count,
  cached_tokens: Count,
  output_tokens: Count,
  reasoning_tokens: Count,
  first_output_ms: nullable(Count),
  duration_ms: Count,
});

const UsageListBody = Type.Object({
  object: Type.Literal('list'),
  data: Type.Array(UsageRowBody),
  has_more: Type.Boolean(),
  next_cursor: Type.Integer({ minimum: 0, description: 'The `after` of the next page.' }),
});

const UsageTotalsBody = Type.Object({
  object: Type.Literal('usage.totals'),
  by: Type.Array(Type.Enum([...USAGE_DIMENSIONS])),
  data: Type.Array(
    Type.Object({
      project: Type.Optional(Type.String()),
      key: Type.Optional(nullable(Type.String())),
      day: Type.Optional(Type.String()),
      model: Type.Optional(Type.String()),
      api: Type.Optional(Type.String()),
      requests: Count,
      failed: Count,
      aborted: Count,
      simulated: Count,
      input_tokens: Count,
      cached_tokens: Count,
      output_tokens: Count,
      reasoning_tokens: Count,
    }),
  ),
});

export const UsageBody = Type.Union([UsageListBody, UsageTotalsBody]);
