import { Type } from 'typebox';
import { MAX_LIMIT } from '../domain/limits.ts';
import { webhookUrlProblem } from './address.ts';
import { path } from './setting-notes.ts';

const limit = (what: string) =>
  Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: MAX_LIMIT,
      description: `${what} of each project that has no limit of its own (chorus keys limit-project)`,
      notes: { placeholder: '<n>', defaultText: 'unlimited', takesEffect: 'at_once' },
    }),
  );

export const limits = Type.Object(
  {
    requests_per_minute: limit('Requests a minute'),
    tokens_per_minute: limit('Tokens a minute, of prompts and of outputs,'),
    concurrent: limit('Requests at once'),
  },
  { description: 'What a project may use' },
);

export const store = Type.Object(
  {
    // OpenAI keeps stored responses for 30 days.
    retention_days: Type.Integer({
      minimum: 1,
      maximum: 3650,
      default: 30,
      description: 'Days that stored responses are kept',
      notes: { placeholder: '<n>', takesEffect: 'at_once' },
    }),
  },
  { description: 'Stored responses' },
);

export const usage = Type.Object(
  {
    webhook_url: Type.Optional(
      Type.String({
        description: 'Where the usage of every request is posted, at least once and in order',
        notes: {
          flag: 'usage-webhook-url',
          placeholder: '<url>',
          defaultText: 'nothing is posted',
          takesEffect: 'at_once',
          allowed: 'an http:// or https:// URL',
          discreetProblem: webhookUrlProblem,
        },
      }),
    ),
    webhook_secret_file: Type.Optional(
      path('<file>', {
        description: 'File with the secret that the posts are signed with (Standard Webhooks, HMAC-SHA256)',
        defaultText: 'they are not signed',
        takesEffect: 'at_once',
        flag: 'usage-webhook-secret-file',
      }),
    ),
    retention_days: Type.Integer({
      minimum: 1,
      maximum: 3650,
      default: 400,
      description: 'Days that usage is kept; what is still to be posted is kept for at least 400',
      notes: { flag: 'usage-retention-days', placeholder: '<n>', takesEffect: 'at_once' },
    }),
  },
  { description: 'What requests cost' },
);
