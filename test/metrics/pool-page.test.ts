import { expect, it } from 'vitest';
import { readEnginePage } from '../../src/metrics/engine-pages.ts';
import { poolPage } from '../../src/metrics/pool-page.ts';

const pageOf = (running: number, waiting: number, usage: number) =>
  readEnginePage(
    `vllm:num_requests_running{engine="0"} ${running}\nvllm:num_requests_waiting{engine="0"} ${waiting}\n` +
      `vllm:num_requests_waiting_by_reason{reason="capacity"} 100\nvllm:kv_cache_usage_perc{engine="0"} ${usage}\n`,
    'e0',
  );

it('tells all replicas as one engine: requests summed, those that wait in Chorus included, the cache averaged', () => {
  const pages = [pageOf(3, 1, 0.5), pageOf(4, 0, 0.25)];
  expect(poolPage({ model: 'gpt-oss-20b', pages, waiting: 2 })).toBe(
    `# HELP vllm:num_requests_waiting Requests that wait, in all engines and for one.
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{model_name="gpt-oss-20b"} 3
# HELP vllm:num_requests_running Requests that run, in all engines.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{model_name="gpt-oss-20b"} 7
# HELP vllm:kv_cache_usage_perc Mean share of the KV caches in use, 0 to 1.
# TYPE vllm:kv_cache_usage_perc gauge
vllm:kv_cache_usage_perc{model_name="gpt-oss-20b"} 0.375
`,
  );
});

it('leaves the cache out while no engine tells it, and still tells who waits', () => {
  const page = poolPage({ model: 'gpt-oss-120b', pages: [], waiting: 5 });
  expect(page).toContain('vllm:num_requests_waiting{model_name="gpt-oss-120b"} 5\n');
  expect(page).not.toContain('kv_cache_usage_perc');
});
