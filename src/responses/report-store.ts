import { DAY_MS } from '../domain/units.ts';
import type { ResponseStore, StoreContents } from '../store/response-store.ts';

/** What is stored here and how long, or why nothing is. */
export type StoreReport = (StoreContents & { readonly retentionDays: number }) | { readonly reason: string };

/** Asks the store what it holds; that it cannot tell is an answer too, and never an error. */
export async function reportStore(
  store: ResponseStore | null,
  retentionMs: number,
  problem: string | null,
): Promise<StoreReport> {
  if (store === null) return { reason: problem ?? 'There is no store.' };
  try {
    return { ...(await store.contents()), retentionDays: retentionMs / DAY_MS };
  } catch (cause) {
    return { reason: (cause as Error).message };
  }
}
