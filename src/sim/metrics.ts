import type { EngineCounts } from './engine.ts';
import { BLOCK_TOKENS } from './prefix-cache.ts';

/** The Prometheus page: vLLM's names and labels for the series that describe load, tokens and the prefix cache. */
export function metricsPage(counts: EngineCounts, running: number, model: string, retentionTokens: number): string {
  const labels = `engine="0",model_name="${model}"`;
  const series = (type: string, name: string, value: number, more = ''): string[] => [
    `# TYPE vllm:${name} ${type}`,
    `vllm:${name}{${labels}${more}} ${value.toFixed(1)}`,
  ];
  const cacheConfig = `block_size="${BLOCK_TOKENS}",enable_prefix_caching="True",prefix_cache_retention_interval="${retentionTokens}"`;
  return [
    ...series('gauge', 'num_requests_running', running),
    ...series('gauge', 'num_requests_waiting', 0),
    ...series('gauge', 'kv_cache_usage_perc', 0),
    ...series('counter', 'prefix_cache_queries_total', counts.promptTokens),
    ...series('counter', 'prefix_cache_hits_total', counts.cachedTokens),
    ...series('counter', 'prompt_tokens_total', counts.promptTokens),
    ...series('counter', 'prompt_tokens_cached_total', counts.cachedTokens),
    ...series('counter', 'generation_tokens_total', counts.generationTokens),
    '# TYPE vllm:iteration_tokens_total histogram',
    `vllm:iteration_tokens_total_bucket{${labels},le="+Inf"} ${counts.iterations.toFixed(1)}`,
    `vllm:iteration_tokens_total_count{${labels}} ${counts.iterations.toFixed(1)}`,
    `vllm:iteration_tokens_total_sum{${labels}} ${counts.generationTokens.toFixed(1)}`,
    ...Object.entries(counts.finished).flatMap(([reason, count]) =>
      series('counter', 'request_success_total', count, `,finished_reason="${reason}"`),
    ),
    ...series('gauge', 'cache_config_info', 1, `,${cacheConfig}`),
    '',
  ].join('\n');
}
