import type { Clock } from '../domain/clock.ts';
import type { ResponseStore } from '../store/response-store.ts';
import { TurnEnds, type TurnListener } from './turn-ends.ts';
import { UsageWebhook, type WebhookStatus } from './usage-webhook.ts';
import type { WebhookTarget } from './webhook-post.ts';

export interface LedgerDeps {
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Null where nothing can be recorded. */
  readonly store: ResponseStore | null;
  /** Where usage is posted, asked at the moment of use: a reload changes it. Null: nowhere. */
  readonly webhookTarget: () => WebhookTarget | null;
  readonly listeners: readonly TurnListener[];
  readonly isSimulated: () => boolean;
  readonly onRowLost: (error: unknown) => void;
  readonly onWebhookFailure: (reason: string) => void;
}

/** What becomes of turns that have ended: they are told, recorded, and posted to a receiver where there is one. */
export class Ledger {
  readonly turnEnds: TurnEnds;
  readonly #webhook: UsageWebhook | null;

  constructor({ store, webhookTarget: target, onWebhookFailure: onFailure, ...deps }: LedgerDeps) {
    const { clock, random } = deps;
    this.turnEnds = new TurnEnds({ ...deps, ledger: store?.usage ?? null });
    this.#webhook =
      store &&
      new UsageWebhook({
        clock,
        random,
        ledger: store.usage,
        readDelivered: async () => (await store.contents()).usage.deliveredPosition,
        target,
        onFailure,
      });
  }

  /** How it goes with the receiver; null where there is none. */
  get webhook(): WebhookStatus | null {
    return this.#webhook?.status ?? null;
  }

  /** From here on rows are posted. */
  start(): void {
    this.#webhook?.start();
  }

  /** Before the store is closed. */
  async stop(): Promise<void> {
    await this.#webhook?.stop();
  }
}
