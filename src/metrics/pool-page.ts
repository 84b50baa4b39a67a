import type { ModelId } from '../domain/model.ts';
import { type EnginePage, valuesOf } from './engine-pages.ts';

/** What the engines of one model say, and what waits for them here. */
export interface PoolLoad {
  readonly model: ModelId;
  readonly pages: readonly EnginePage[];
  /** Requests that wait in Chorus for a replica. */
  readonly waiting: number;
}

/**
 * The load of all replicas as if they were one engine, under vLLM's names: what an endpoint picker of the Gateway API
 * inference extension reads of a model server (its proposal 003). Requests that wait in Chorus count as waiting. The use
 * of the KV caches is their mean: the next request goes to the replica with the least to do, so the fullest one says
 * little. It is left out while no engine tells it.
 */
export function poolPage({ model, pages, waiting }: PoolLoad): string {
  const all = (name: string): number[] => pages.flatMap((page) => valuesOf(page, name));
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const gauge = (name: string, help: string, value: number): string =>
    `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${name}{model_name="${model}"} ${value}\n`;
  const usages = all('vllm:kv_cache_usage_perc');
  return [
    gauge(
      'vllm:num_requests_waiting',
      'Requests that wait, in all engines and for one.',
      sum(all('vllm:num_requests_waiting')) + waiting,
    ),
    gauge('vllm:num_requests_running', 'Requests that run, in all engines.', sum(all('vllm:num_requests_running'))),
    usages.length === 0
      ? ''
      : gauge('vllm:kv_cache_usage_perc', 'Mean share of the KV caches in use, 0 to 1.', sum(usages) / usages.length),
  ].join('');
}
