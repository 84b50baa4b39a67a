import { execa } from 'execa';
import type { Clock } from '../domain/clock.ts';
import { QUERY_FIELDS } from './nvidia-smi-rows.ts';

/** How asking nvidia-smi ended. `hung` comes at the deadline, whatever the process does. */
export type NvidiaSmiOutcome =
  | { readonly kind: 'finished'; readonly exitCode: number; readonly stdout: string; readonly output: string }
  | { readonly kind: 'missing' }
  | { readonly kind: 'hung' }
  | { readonly kind: 'unstartable'; readonly message: string };

export interface NvidiaSmiCall {
  /** A name to look up on the PATH of `env`, or a path. */
  readonly file: string;
  readonly env: Readonly<NodeJS.ProcessEnv>;
  readonly clock: Clock;
  readonly deadlineMs: number;
}

/**
 * Asks nvidia-smi for `QUERY_FIELDS`. Resolves at the deadline even if the process cannot be killed: one that waits
 * for a dead driver sleeps uninterruptibly. It is then abandoned and holds neither this call nor the event loop.
 */
export async function runNvidiaSmi({ file, env, clock, deadlineMs }: NvidiaSmiCall): Promise<NvidiaSmiOutcome> {
  const args = [`--query-gpu=${QUERY_FIELDS.join(',')}`, '--format=csv,noheader,nounits'];
  const child = execa(file, args, {
    env: { ...env, LC_ALL: 'C' },
    extendEnv: false,
    stdin: 'ignore',
    reject: false,
  });
  const deadline = Promise.withResolvers<null>();
  const cancel = clock.schedule(deadlineMs, () => deadline.resolve(null));
  const result = await Promise.race([child, deadline.promise]);
  cancel();
  if (result === null) {
    child.kill('SIGKILL');
    child.stdout.destroy();
    child.stderr.destroy();
    child.nodeChildProcess.unref();
    return { kind: 'hung' };
  }
  const { code, exitCode, signal, stdout, stderr, shortMessage } = result;
  if (code === 'ENOENT') return { kind: 'missing' };
  if (exitCode !== undefined) {
    return { kind: 'finished', exitCode, stdout, output: [stdout, stderr].filter(Boolean).join('\n') };
  }
  return { kind: 'unstartable', message: signal ? `it died of ${signal}` : (shortMessage ?? 'no reason given') };
}
