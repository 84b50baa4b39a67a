import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startChorus, type RunningChorus } from '../support/chorus-process.ts';
import { eventually } from '../support/eventually.ts';

const KEYS = { caller: 'sk-for-the-fuzzer-0123456789abcdef', admin: 'sk-for-the-fuzzer-of-admin' };
const RUN_TIMEOUT_MS = 240_000;
/** What ends or stops engines, and what goes on for ever. */
const LEFT_OUT = '(reload|drain|restart|start|logs)$';
/** In its words. The API refuses more than a schema can say, and Fastify looks at QUERY before it looks for a route. */
const UNCHECKED = 'positive_data_acceptance,unsupported_method';

/** Schemathesis makes requests of every kind from `/openapi.json`, whole and broken, and follows the document's links. */
describe('chorus serve with the simulator, asked by a fuzzer that reads /openapi.json', () => {
  const folder = mkdtempSync(join(tmpdir(), 'chorus-fuzz-'));
  let chorus: RunningChorus;

  beforeAll(async () => {
    for (const [name, key] of Object.entries(KEYS)) writeFileSync(join(folder, name), key, { mode: 0o600 });
    const files = ['--api-key-file', join(folder, 'caller'), '--admin-key-file', join(folder, 'admin')];
    chorus = await startChorus(['--engine', 'simulated', '--replicas', '2', ...files]);
    await eventually('a replica', 60_000, async () => ((await fetch(`${chorus.url}/readyz`)).ok ? true : null));
  });
  afterAll(async () => {
    await chorus?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  // What the admin key opens comes last: there limits and keys are made.
  it.each([
    { who: 'a caller', key: KEYS.caller, paths: '^/(?!api/|admin/)' },
    { who: 'the operator', key: KEYS.admin, paths: '^/admin/' },
  ])(
    'answers $who as the document says, and never with a 5xx',
    { timeout: RUN_TIMEOUT_MS + 10_000 },
    async ({ key, paths }) => {
      const { CHORUS_TEST_CLIENTS: python = '' } = process.env;
      if (!python) throw new Error('Run this through `npm run test:vllm`, which makes the Python environment.');
      const which = ['--include-path-regex', paths, '--exclude-path-regex', LEFT_OUT];
      const bounds = ['--seed', '1', '--max-examples', '8', '--workers', '1', '--generation-database', 'none'];
      const judged = ['--exclude-checks', UNCHECKED, '--continue-on-failure', '--warnings', 'off', '--no-color'];
      const { all, exitCode } = await execa(
        join(dirname(python), 'schemathesis'),
        ['run', `${chorus.url}/openapi.json`, '-H', `Authorization: Bearer ${key}`, ...which, ...bounds, ...judged],
        { cwd: folder, all: true, reject: false, timeout: RUN_TIMEOUT_MS },
      );
      console.log(all.slice(all.indexOf('SUMMARY')));
      expect(exitCode, all).toBe(0);
      expect(all).toMatch(/^ +\d{3,} generated, \d{3,} passed/m);
      expect(chorus.process.exitCode).toBe(null);
    },
  );
});
