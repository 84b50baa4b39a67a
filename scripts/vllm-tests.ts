/** `npm run test:vllm`: makes the Python environments that are missing, then runs the `vllm` project of the tests on them. */
import { spawnSync } from 'node:child_process';
import { ensureClientsPython } from './clients-env.ts';
import { ensureVllmEnvironment } from './vllm-env.ts';

async function ensureBoth() {
  const vllm = await ensureVllmEnvironment(console.log);
  return { ...vllm, clientsPython: await ensureClientsPython(console.log) };
}

const environment = await ensureBoth().catch((error: unknown) => {
  console.error(`test:vllm cannot run: ${error instanceof Error ? error.message : String(error)}`);
  return null;
});
if (environment === null) {
  process.exitCode = 1;
} else {
  console.log(`vLLM ${environment.version}`);
  const reporters = ['--reporter=verbose', '--reporter=json', '--outputFile.json=.cache/reports/vllm.json'];
  const args = [
    'run',
    '--config',
    'test/vitest.config.ts',
    '--project',
    'vllm',
    ...reporters,
    ...process.argv.slice(2),
  ];
  const { python, modelPath, clientsPython } = environment;
  const env = {
    ...process.env,
    CHORUS_TEST_PYTHON: python,
    CHORUS_TEST_MODEL: modelPath,
    CHORUS_TEST_CLIENTS: clientsPython,
  };
  process.exitCode = spawnSync('vitest', args, { stdio: 'inherit', env }).status ?? 1;
}
