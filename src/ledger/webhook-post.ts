import { EnvHttpProxyAgent, request, type Dispatcher } from 'undici';
import { readSecret } from '../access/secret-file.ts';
import type { Clock } from '../domain/clock.ts';
import type { UsageBatch } from './usage-batch.ts';
import { webhookSignature } from './webhook-signature.ts';

/** Where usage is posted. */
export interface WebhookTarget {
  readonly url: string;
  /** File with the secret that batches are signed with; null: they are not signed. */
  readonly secretFile: string | null;
}

/** From the connection to the end of the answer. */
const TIMEOUT_MS = 30_000;
/** What a receiver says beyond it is not read. */
const MAX_ANSWER_BYTES = 65_536;

/** Posts batches, through the proxies of the environment. */
export class WebhookPost {
  readonly #clock: Clock;
  readonly #dispatcher: Dispatcher = new EnvHttpProxyAgent({ allowH2: false });

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Null when the receiver has taken the batch, which 2xx alone says; else why not. Never rejects. */
  async send(target: WebhookTarget, batch: UsageBatch, stopped: AbortSignal): Promise<string | null> {
    const late = new AbortController();
    const cancel = this.#clock.schedule(TIMEOUT_MS, () => late.abort());
    try {
      const { statusCode, body } = await request(target.url, {
        method: 'POST',
        headers: this.#headers(target, batch),
        body: batch.body,
        dispatcher: this.#dispatcher,
        signal: AbortSignal.any([late.signal, stopped]),
      });
      await body.dump({ limit: MAX_ANSWER_BYTES }).catch(() => {});
      return statusCode >= 200 && statusCode < 300 ? null : `it answered ${statusCode}`;
    } catch (error) {
      if (late.signal.aborted) return `it did not answer within ${TIMEOUT_MS / 1000} seconds`;
      return (error as Error).message || 'it cannot be reached';
    } finally {
      cancel();
    }
  }

  close(): Promise<void> {
    return this.#dispatcher.destroy();
  }

  /** Throws where batches are to be signed and cannot be: none is sent without. */
  #headers({ secretFile }: WebhookTarget, { id, body }: UsageBatch): Record<string, string> {
    const timestamp = Math.floor(this.#clock.nowMs() / 1000);
    const headers = {
      'content-type': 'application/json',
      'idempotency-key': id,
      'webhook-id': id,
      'webhook-timestamp': String(timestamp),
    };
    if (secretFile === null) return headers;
    const secret = readSecret(secretFile);
    if (secret === null) throw new Error(`its secret is missing: there is no ${secretFile}`);
    return { ...headers, 'webhook-signature': webhookSignature(secret, { id, timestamp, body }) };
  }
}
