/** `npm run check`: format, lint, types, dead code, structure. Every step runs, so that one run shows every problem. */
import { spawnSync } from 'node:child_process';

const steps: readonly (readonly [name: string, command: string, ...args: string[]])[] = [
  ['format', 'prettier', '--check', '--log-level', 'warn', '.'],
  ['lint', 'oxlint', '--type-aware', '--deny-warnings', '.'],
  ['types', 'tsc', '--noEmit'],
  ['dead code', 'knip', '--no-progress'],
  ['structure', 'node', 'scripts/structure.ts'],
];

const failed = steps.filter(([name, command, ...args]) => {
  console.log(`check: ${name}`);
  return spawnSync(command, args, { stdio: 'inherit' }).status !== 0;
});
console.log(`check: ${steps.length - failed.length} passed, ${failed.length} failed`);
if (failed.length > 0) process.exitCode = 1;
