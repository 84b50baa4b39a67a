import { Type } from 'typebox';
import { nullable } from './nullable.ts';

const Limit = nullable(Type.Integer({ minimum: 1 }));

/** Null: no limit. */
export const LimitsBody = Type.Object({ requestsPerMinute: Limit, tokensPerMinute: Limit, concurrent: Limit });

const KEY = {
  id: Type.String(),
  name: Type.String(),
  project: Type.String(),
  createdAtMs: Type.Integer({ description: 'Wall-clock, in milliseconds.' }),
  expiresAtMs: nullable(Type.Integer({ description: 'Wall-clock, in milliseconds.' })),
  limits: LimitsBody,
};

export const KeyViewBody = Type.Object(KEY);

export const NewKeyBody = Type.Object({
  ...KEY,
  key: Type.String({ description: 'What callers send. It is in no other answer.' }),
});

export const KeyListBody = Type.Object({
  keys: Type.Array(KeyViewBody),
  projects: Type.Record(Type.String(), LimitsBody, { description: 'Projects that have limits of their own.' }),
});

export const ProjectLimitsBody = Type.Object({ project: Type.String(), limits: LimitsBody });
