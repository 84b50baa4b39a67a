import type { StoreWrite } from './messages.ts';
import type {
  UsageDimension,
  UsageEntry,
  UsageFilter,
  UsageLedger,
  UsagePage,
  UsagePageQuery,
  UsageRow,
  UsageSweep,
  UsageTotal,
} from './usage-ledger.ts';
import { UsageTotals } from './usage-totals.ts';
import type { Looked, UsagePart, UsageRecord } from './usage.ts';
import type { WorkerLink } from './worker-link.ts';
import type { WriteQueue } from './write-queue.ts';

/** The gateway's side of the ledger: rows go with the other changes, and reads are many small looks. */
export class SqliteUsageLedger implements UsageLedger {
  readonly #link: WorkerLink;
  readonly #queue: WriteQueue;
  readonly #assertOpen: () => void;

  /** `assertOpen` throws where nothing may be asked any more. */
  constructor(link: WorkerLink, queue: WriteQueue, assertOpen: () => void) {
    this.#link = link;
    this.#queue = queue;
    this.#assertOpen = assertOpen;
  }

  async add(row: UsageRow): Promise<void> {
    await this.#write({ kind: 'usage', row });
  }

  async page({ filter, after, limit }: UsagePageQuery): Promise<UsagePage> {
    const rows: UsageEntry[] = [];
    for (let next: number | null = after; next !== null && rows.length <= limit;) {
      this.#assertOpen();
      const ask = { look: { filter, after: next }, limit: limit + 1 - rows.length };
      const looked: Looked<UsageRecord> = await this.#link.call('usageRecords', ask);
      rows.push(...looked.found.map(entryOf));
      next = looked.next;
    }
    return { rows: rows.slice(0, limit), hasMore: rows.length > limit };
  }

  async totals(filter: UsageFilter, by: readonly UsageDimension[]): Promise<UsageTotal[]> {
    const totals = new UsageTotals(by);
    for (let next: number | null = 0; next !== null;) {
      this.#assertOpen();
      const looked: Looked<UsagePart> = await this.#link.call('usageParts', { filter, after: next });
      totals.add(looked.found);
      next = looked.next;
    }
    return totals.list();
  }

  async markDelivered(position: number): Promise<void> {
    await this.#write({ kind: 'usage_delivered', position });
  }

  async sweep(sweep: UsageSweep): Promise<number> {
    return this.#write({ kind: 'sweep_usage', sweep });
  }

  /** A row holds too little to be refused for its size, and is asked for too late. */
  async #write(write: Exclude<StoreWrite, { kind: 'put' }>): Promise<number> {
    this.#assertOpen();
    return this.#queue.add({ write, bytes: 0, touches: [] });
  }
}

function entryOf(record: UsageRecord): UsageEntry {
  return { ...record, isStream: record.isStream === 1, isSimulated: record.isSimulated === 1 };
}
