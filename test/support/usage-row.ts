import type { UsageRow } from '../../src/store/usage-ledger.ts';

export const NOW_MS = 1_700_000_000_000;

/** A row of the ledger, but for what is given. */
export const usageRow = (given: Partial<UsageRow> = {}): UsageRow => ({
  id: 'resp_1',
  endedAtMs: NOW_MS,
  project: 'default',
  keyId: null,
  api: 'responses',
  model: 'gpt-oss-20b',
  isStream: false,
  outcome: 'completed',
  error: null,
  isSimulated: true,
  inputTokens: 100,
  cachedTokens: 64,
  outputTokens: 20,
  reasoningTokens: 5,
  firstOutputMs: 30,
  durationMs: 400,
  ...given,
});
