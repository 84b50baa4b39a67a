import { createHash } from 'node:crypto';
import type { UsageEntry } from '../store/usage-ledger.ts';
import { usageObject } from './usage-objects.ts';

/** Rows that are posted together, as often as it takes. */
export interface UsageBatch {
  /** The same for the same rows: a receiver that has seen it may answer at once. */
  readonly id: string;
  readonly body: string;
  readonly rows: number;
  /** Of its last row. */
  readonly position: number;
}

/** `rows` are not empty. */
export function usageBatch(rows: readonly UsageEntry[]): UsageBatch {
  const ids = createHash('sha256');
  for (const { id } of rows) ids.update(`${id}\n`);
  const id = `usage_${ids.digest('hex').slice(0, 32)}`;
  const body = JSON.stringify({ object: 'usage.batch', id, data: rows.map(usageObject) });
  return { id, body, rows: rows.length, position: rows.at(-1)?.position ?? 0 };
}
