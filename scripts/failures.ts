/**
 * `npm run failures`: runs the tests of every failure mode and says which pass. With `--without-remedy` each remedy is
 * taken away in a copy of the sources, where the tests must then fail; `--mode 6` runs one mode only.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { FailureMode, RemedyRemoval } from './failures/failure-mode.ts';
import { FAILURE_MODES } from './failures/modes.ts';
import { runTests, type FileResult } from './failures/run-tests.ts';
import { inCopy, withoutRemedy } from './failures/without-remedy.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');

const label = ({ number, name }: FailureMode): string => `mode ${String(number).padStart(2)}  ${name}`;

/** Prints a line for every mode; gives how many failed. */
async function runModes(modes: readonly FailureMode[]): Promise<number> {
  const results = await runTests(ROOT, [...new Set(modes.flatMap(({ tests }) => tests))]);
  let failures = 0;
  for (const mode of modes) {
    const own = mode.tests.map((file) => results.find((result) => result.file === file));
    const passes = own.every((result) => result !== undefined && result.passed > 0 && result.messages.length === 0);
    console.log(`${passes ? 'pass' : 'FAIL'}  ${label(mode)}`);
    if (passes) continue;
    failures++;
    for (const message of own.flatMap((result) => result?.messages ?? ['a test file was not run']))
      console.log(message);
  }
  console.log(`${modes.length - failures} of ${modes.length} failure modes pass`);
  return failures;
}

/** Prints a line for every remedy; gives how many could be taken away unnoticed. */
async function runWithoutRemedies(modes: readonly FailureMode[]): Promise<number> {
  const cases = modes.flatMap((mode) => mode.removals.map((removal) => ({ mode, removal })));
  let unnoticed = 0;
  await inCopy(ROOT, async (copy) => {
    for (const { mode, removal } of cases) {
      const problem = await testsWithout(copy, removal);
      if (problem !== null) unnoticed++;
      const said = problem ?? `fails without "${removal.name}" (as it should)`;
      console.log(`${problem === null ? 'pass' : 'FAIL'}  ${label(mode)}: ${said}`);
    }
  });
  console.log(`${cases.length - unnoticed} of ${cases.length} remedies are missed when they are gone`);
  return unnoticed;
}

/** Null when the tests miss the remedy, else why they do not. */
async function testsWithout(copy: string, removal: RemedyRemoval): Promise<string | null> {
  try {
    const run = (): Promise<FileResult[]> => runTests(copy, removal.tests);
    const results = await withoutRemedy(copy, removal, run);
    if (results.some(({ failed }) => failed > 0)) return null;
    const broken = results.flatMap(({ messages }) => messages);
    return broken.length > 0 ? broken.join('\n') : `passes without "${removal.name}", which it must not`;
  } catch (error) {
    return (error as Error).message;
  }
}

const { values } = parseArgs({
  options: { 'without-remedy': { type: 'boolean', default: false }, mode: { type: 'string', multiple: true } },
});
const wanted = values.mode?.map(Number);
const modes = FAILURE_MODES.filter(({ number }) => wanted?.includes(number) ?? true);
if (modes.length === 0) throw new Error(`There are the modes ${FAILURE_MODES.map(({ number }) => number).join(', ')}.`);
const failures = await (values['without-remedy'] ? runWithoutRemedies(modes) : runModes(modes));
if (failures > 0) process.exitCode = 1;
