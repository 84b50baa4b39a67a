import type { PrepareOptions } from '../../src/responses/request.ts';

export const NOW_MS = 1_700_000_000_500;

/** How requests are prepared in tests: everything served and shown, a seal that anyone can read. */
export const prepareOptions: PrepareOptions = {
  nowMs: NOW_MS,
  caller: { project: 'p', keyId: null },
  recalled: { context: [], rootDate: null, referenced: () => null },
  retentionMs: null,
  whyNotServed: () => null,
  showReasoning: true,
  defaultTemperature: 1,
  spellLogprob: ({ logprob }) => ({ token: 't', logprob, bytes: [116], top_logprobs: [] }),
  seal: (text) => `sealed:${text}`,
  unseal: (sealed) => (sealed.startsWith('sealed:') ? sealed.slice('sealed:'.length) : null),
};
