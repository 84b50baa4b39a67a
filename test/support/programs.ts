import { spawnSync } from 'node:child_process';

/**
 * Which of the programs this machine lacks, as the note of a test that cannot run without them; null: none. Each is
 * given with words that it takes without doing anything.
 */
export function missingPrograms(
  ...commands: readonly (readonly [program: string, ...words: string[]])[]
): string | null {
  const missing = commands.filter(([program, ...words]) => spawnSync(program, words, { stdio: 'ignore' }).error);
  return missing.length === 0 ? null : `not installed: ${missing.map(([program]) => program).join(', ')}`;
}
