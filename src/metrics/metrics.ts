import { Registry } from 'prom-client';
import type { Clock } from '../domain/clock.ts';
import type { ModelId } from '../domain/model.ts';
import type { ResponseStore } from '../store/response-store.ts';
import { joinEnginePages } from './engine-pages.ts';
import { EngineSeries, type EngineViews } from './engine-series.ts';
import { poolPage } from './pool-page.ts';
import { ProcessSeries, type ProcessViews } from './process-series.ts';
import { RequestSeries } from './request-series.ts';
import { EngineScraper } from './scrape-engines.ts';
import { registerStoreSeries } from './store-series.ts';
import { registerUsageDelivery, UsageSeries, type UsageViews } from './usage-series.ts';

export interface MetricsOptions extends EngineViews, ProcessViews, UsageViews {
  readonly clock: Clock;
  /** The model that is served; null where none is. */
  readonly model: () => ModelId | null;
  /** Null where nothing is kept. */
  readonly store: ResponseStore | null;
}

/** Everything that is counted and shown to Prometheus. Its parts are told what happens; the pages tell it. */
export class Metrics {
  readonly requests: RequestSeries;
  readonly engines: EngineSeries;
  readonly process: ProcessSeries;
  readonly usage: UsageSeries;
  readonly #options: MetricsOptions;
  readonly #registry = new Registry();
  readonly #scraper: EngineScraper;

  constructor(options: MetricsOptions) {
    this.#options = options;
    this.requests = new RequestSeries(this.#registry);
    this.engines = new EngineSeries(this.#registry, options);
    this.usage = new UsageSeries(this.#registry);
    if (options.store !== null) {
      registerStoreSeries(this.#registry, options.store, options.clock);
      registerUsageDelivery(this.#registry, options.store, options.clock, options);
    }
    this.process = new ProcessSeries(this.#registry, options);
    this.#scraper = new EngineScraper({
      clock: options.clock,
      targets: () => options.seats().filter(({ withdrawn }) => withdrawn === null),
      onMissed: this.engines.scrapeMissed,
    });
  }

  /** Chorus's own series, then the engines' `vllm:` series with a `replica` label. Takes two seconds at most. */
  async page(): Promise<string> {
    const engines = joinEnginePages(await this.#scraper.scrape());
    return `${await this.#registry.metrics()}\n${engines}`;
  }

  /** The load of all replicas as if they were one engine; empty where no model is served. */
  async poolPage(): Promise<string> {
    const pages = await this.#scraper.scrape();
    const model = this.#options.model();
    return model === null ? '' : poolPage({ model, pages, waiting: this.#options.waiting() });
  }
}
