import { defineConfig } from 'vitest/config';

const root = new URL('..', import.meta.url).pathname;
/** Commands and engines are started hundreds of times: compiled once, each start takes half the time. */
const env = { NODE_COMPILE_CACHE: `${root}.cache/node` };

/** Two projects: `fast` needs neither GPU nor Python; `vllm` drives the real `vllm serve` (scripts/vllm-tests.ts prepares it). */
export default defineConfig({
  test: {
    root,
    // One more than cores: most of a file's time is waiting for its child processes.
    maxWorkers: 3,
    projects: [
      {
        test: {
          name: 'fast',
          env,
          include: ['test/**/*.test.ts'],
          exclude: ['test/vllm/**'],
          testTimeout: 20_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'vllm',
          env,
          include: ['test/vllm/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 600_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
