import { expect, it } from 'vitest';
import { joinEnginePages, readEnginePage, valuesOf } from '../../src/metrics/engine-pages.ts';

/** As vLLM 0.32 spells its page, shortened. */
const PAGE = `# HELP python_info Python platform information
# TYPE python_info gauge
python_info{implementation="CPython",version="3.12.3"} 1.0
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="gpt-oss-20b"} 3.0
# HELP vllm:prompt_tokens_total Number of prefill tokens processed.
# TYPE vllm:prompt_tokens_total counter
vllm:prompt_tokens_total{engine="0",model_name="gpt-oss-20b"} 12.0
# HELP vllm:prompt_tokens_created Number of prefill tokens processed.
# TYPE vllm:prompt_tokens_created gauge
vllm:prompt_tokens_created{engine="0",model_name="gpt-oss-20b"} 1.76e+09
# HELP vllm:time_to_first_token_seconds Histogram of time to first token in seconds.
# TYPE vllm:time_to_first_token_seconds histogram
vllm:time_to_first_token_seconds_bucket{engine="0",le="0.1",model_name="a{b} \\"c\\""} 1.0
vllm:time_to_first_token_seconds_sum{engine="0",model_name="gpt-oss-20b"} 0.5
vllm:time_to_first_token_seconds_count{engine="0",model_name="gpt-oss-20b"} 1.0
vllm:time_to_first_token_seconds_created{engine="0",model_name="gpt-oss-20b"} 1.76e+09
`;

it('labels the samples of vllm: series with their replica and leaves the rest of a page out', () => {
  expect(joinEnginePages([readEnginePage(PAGE, 'engine-0')])).toBe(
    `# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{replica="engine-0",engine="0",model_name="gpt-oss-20b"} 3.0
# HELP vllm:prompt_tokens_total Number of prefill tokens processed.
# TYPE vllm:prompt_tokens_total counter
vllm:prompt_tokens_total{replica="engine-0",engine="0",model_name="gpt-oss-20b"} 12.0
# HELP vllm:time_to_first_token_seconds Histogram of time to first token in seconds.
# TYPE vllm:time_to_first_token_seconds histogram
vllm:time_to_first_token_seconds_bucket{replica="engine-0",engine="0",le="0.1",model_name="a{b} \\"c\\""} 1.0
vllm:time_to_first_token_seconds_sum{replica="engine-0",engine="0",model_name="gpt-oss-20b"} 0.5
vllm:time_to_first_token_seconds_count{replica="engine-0",engine="0",model_name="gpt-oss-20b"} 1.0
`,
  );
});

it('tells each series once, with the samples of all engines together', () => {
  const a =
    '# HELP vllm:a About a.\n# TYPE vllm:a gauge\nvllm:a 1\n# TYPE vllm:b gauge\nvllm:b{x="1"} 2\n# TYPE vllm:b gauge\nvllm:b{x="2"} 2\n';
  const b = '# TYPE vllm:b gauge\nvllm:b{x="1"} 3\n# HELP vllm:a Otherwise.\n# TYPE vllm:a gauge\nvllm:a 4\n';
  expect(joinEnginePages([readEnginePage(a, 'e0'), readEnginePage(b, 'e1')])).toBe(
    `# HELP vllm:a About a.
# TYPE vllm:a gauge
vllm:a{replica="e0"} 1
vllm:a{replica="e1"} 4
# TYPE vllm:b gauge
vllm:b{replica="e0",x="1"} 2
vllm:b{replica="e0",x="2"} 2
vllm:b{replica="e1",x="1"} 3
`,
  );
});

it('makes nothing of what is no metrics page', () => {
  for (const page of ['', '<html>vllm:</html>', '# TYPE vllm:\n', '# EOF', '\0\0vllm:a 1']) {
    expect(joinEnginePages([readEnginePage(page, 'e0')])).toBe('');
  }
  expect(joinEnginePages([])).toBe('');
});

it('reads the values of a series, one for each of its label sets', () => {
  const page = readEnginePage('vllm:a{engine="0"} 1.5\nvllm:a{engine="1"} 2\nvllm:ab 7\nvllm:c NaN\n', 'e0');
  expect(valuesOf(page, 'vllm:a')).toEqual([1.5, 2]);
  expect(valuesOf(page, 'vllm:ab')).toEqual([7]);
  expect(valuesOf(page, 'vllm:c')).toEqual([]);
  expect(valuesOf(page, 'vllm:none')).toEqual([]);
});

it('skips what Prometheus would refuse the whole page for', () => {
  const bad = [
    'vllm:a{x="cut off',
    'vllm:a{x="\\q"} 1',
    'vllm:a{x="\0"} 1',
    'vllm:a{x="1",x="2"} 1',
    'vllm:a{replica="x"} 1',
    'vllm:a{__name__="chorus_ready"} 1',
    'vllm:a{x="1"y="2"} 1',
    'vllm:a{,} 1',
    'vllm:a-b 1',
    'vllm:a 1\r',
    'vllm:a 1e999',
    'vllm:a 0x',
    'vllm:a',
    'vllm:a 1 2 3',
    '# TYPE vllm:a garbage',
    '# HELP vllm:a \u0001',
  ];
  const good = ['vllm:a{x="1",} 2', 'vllm:a{} NaN', 'vllm:a{x="\\"\\n\\\\}{"} +Inf'];
  const again = 'vllm:a{x="1"} 3';
  expect(joinEnginePages([readEnginePage([...bad, ...good, again].join('\n'), 'e0')])).toBe(
    `vllm:a{replica="e0",x="1"} 2
vllm:a{replica="e0"} NaN
vllm:a{replica="e0",x="\\"\\n\\\\}{"} +Inf
`,
  );
});

it('reads a page of nothing but broken lines in no time', () => {
  for (const line of ['vllm:num_requests_running{', 'vllm:a{x="1",', '# TYPE vllm:a ', 'vllm:a{x="\\']) {
    const page = `${line}\n`.repeat(1_000_000 / line.length);
    const begunMs = performance.now();
    expect(readEnginePage(page, 'e0').size).toBe(0);
    expect(readEnginePage(line.repeat(1_000_000 / line.length), 'e0').size).toBe(0);
    expect(performance.now() - begunMs).toBeLessThan(5000);
  }
});
