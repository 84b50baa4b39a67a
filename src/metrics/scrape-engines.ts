import type { Clock } from '../domain/clock.ts';
import type { Endpoint } from '../domain/replica.ts';
import { clientTo, MAX_PAGE_BYTES } from '../engine/ask.ts';
import { type EnginePage, readEnginePage } from './engine-pages.ts';

/** An engine to be asked for its metrics. */
export interface ScrapeTarget {
  readonly engineId: string;
  readonly endpoint: Endpoint;
}

export interface ScraperOptions {
  readonly clock: Clock;
  /** The engines in rotation, asked at each scrape. */
  readonly targets: () => readonly ScrapeTarget[];
  /** Told of each engine that did not answer, with the reason; its series are missing this time. */
  readonly onMissed: (engineId: string, reason: string) => void;
}

/** vLLM builds its page within 20 ms; one that takes longer is busy with something worse. */
const SCRAPE_TIMEOUT_MS = 2000;

/** Asks all ready engines for their metrics, in parallel, one scrape at a time. */
export class EngineScraper {
  readonly #options: ScraperOptions;
  #running: Promise<readonly EnginePage[]> | null = null;

  constructor(options: ScraperOptions) {
    this.#options = options;
  }

  /**
   * The pages of the engines that answered within two seconds, in the order of the targets. Callers that come during a
   * scrape share it. Never rejects.
   */
  scrape(): Promise<readonly EnginePage[]> {
    this.#running ??= this.#scrape().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #scrape(): Promise<readonly EnginePage[]> {
    const pages = await Promise.all(this.#options.targets().map((target) => this.#ask(target)));
    return pages.filter((page) => page !== null);
  }

  async #ask({ engineId, endpoint }: ScrapeTarget): Promise<EnginePage | null> {
    const { clock, onMissed } = this.#options;
    const { client, basePath, headers } = clientTo(endpoint, { maxResponseSize: MAX_PAGE_BYTES });
    const deadline = new AbortController();
    const late = new Error(`no answer within ${SCRAPE_TIMEOUT_MS / 1000} s`);
    const cancel = clock.schedule(SCRAPE_TIMEOUT_MS, () => deadline.abort(late));
    try {
      const question = { path: `${basePath}/metrics`, method: 'GET', headers, signal: deadline.signal } as const;
      const { statusCode, body } = await client.request(question);
      const text = await body.text();
      if (statusCode !== 200) throw new Error(`status ${statusCode}`);
      return readEnginePage(text, engineId);
    } catch (error) {
      onMissed(engineId, (error as Error).message);
      return null;
    } finally {
      cancel();
      await client.destroy();
    }
  }
}
