import { Type } from 'typebox';
import { MODEL_IDS } from '../../domain/model.ts';
import { nullable } from './nullable.ts';

const ProgressBody = Type.Object({
  phase: Type.String({ description: '`install`, `download`, `program`, `weights`, `compile`, `graphs` or `api`.' }),
  percent: nullable(Type.Integer({ minimum: 0, maximum: 100 })),
  left_seconds: nullable(Type.Integer({ minimum: 0 })),
});

export const ModelBody = Type.Object({
  id: Type.Enum([...MODEL_IDS]),
  object: Type.Literal('model'),
  created: Type.Integer(),
  owned_by: Type.String(),
  state: Type.Enum(['ready', 'loading', 'failed', 'not_served']),
  reason: Type.String({ description: 'One sentence: why it is in this state.' }),
  progress: nullable(ProgressBody),
  max_model_len: nullable(Type.Integer({ description: 'Context in tokens, once an engine has told it.' })),
  simulated: Type.Boolean(),
});

export const ModelListBody = Type.Object({ object: Type.Literal('list'), data: Type.Array(ModelBody) });
