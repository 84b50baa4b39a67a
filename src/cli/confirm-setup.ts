import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import type { Readable, Writable } from 'node:stream';
import { Refusal } from '../domain/refusal.ts';
import { summariseSetup } from '../setup/explain-setup.ts';
import type { SetupPlan } from '../setup/setup-plan.ts';

/** Where a person can be asked. */
export interface Terminal {
  readonly input: Readable & { readonly isTTY?: boolean };
  readonly output: Writable & { readonly isTTY?: boolean };
}

/**
 * Asks before gigabytes are moved: nothing to do and `yes` need no answer. Throws a `Refusal` when the answer is no
 * (exit code 69), or when there is nobody to ask (64; the sentence names `--yes`).
 */
export async function confirmSetup(plan: SetupPlan, yes: boolean, { input, output }: Terminal): Promise<void> {
  const summary = summariseSetup(plan);
  if (summary === null || yes) return;
  if (input.isTTY !== true || output.isTTY !== true) {
    throw new Refusal('usage', `Chorus has to ${summary}, and nobody can be asked here: give --yes to allow it.`);
  }
  const lines = createInterface({ input, output });
  try {
    // Ctrl-C and Ctrl-D close the line without an answer.
    const closed = once(lines, 'close').then(() => 'no');
    const answer = await Promise.race([lines.question(`Chorus will ${summary}. Go on? [Y/n] `), closed]);
    if (/^(y(es)?)?$/i.test(answer.trim())) return;
  } finally {
    lines.close();
  }
  throw new Refusal('unavailable', 'Nothing was installed or downloaded.');
}
