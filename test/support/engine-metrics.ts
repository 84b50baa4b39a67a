import { Agent, request } from 'undici';
import type { StatusReport } from '../../src/gateway/reports.ts';
import { sumOf } from './prometheus.ts';

export interface EngineCounters {
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly generationTokens: number;
  readonly running: number;
}

/** What the engines themselves count, summed over all of them. */
export async function engineCounters({ engines }: StatusReport): Promise<EngineCounters> {
  const pages = await Promise.all(engines.map(({ socketPath }) => metricsPage(socketPath ?? '')));
  const total = (name: string): number => pages.reduce((sum, page) => sum + sumOf(page, name), 0);
  return {
    promptTokens: total('vllm:prompt_tokens_total'),
    cachedTokens: total('vllm:prompt_tokens_cached_total'),
    generationTokens: total('vllm:generation_tokens_total'),
    running: total('vllm:num_requests_running'),
  };
}

async function metricsPage(socketPath: string): Promise<string> {
  const dispatcher = new Agent({ connect: { socketPath } });
  try {
    const { body } = await request('http://engine/metrics', { dispatcher });
    return await body.text();
  } finally {
    await dispatcher.close();
  }
}
