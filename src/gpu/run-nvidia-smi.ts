import { execa } from 'execa';
import type { Clock } from '../domain/clock.ts';

/** How asking nvidia-smi ended. `hung` comes at the deadline, whatever the process does. */
export type NvidiaSmiOutcome =
  | { readonly kind: 'finished'; readonly exitCode: number; readonly stdout: string; readonly output: string }
  | { readonly kind: 'missing' }
  | { readonly kind: 'hung' }
  /** A signal of somebody else ended it. */
  | { readonly kind: 'killed'; readonly signal: string }
  | { readonly kind: 'unstartable'; readonly message: string };

export interface NvidiaSmiOptions {
  /** Its PATH is where a file without a folder is looked up. */
  readonly env: Readonly<NodeJS.ProcessEnv>;
  readonly clock: Clock;
  /** For all questions together. */
  readonly deadlineMs: number;
}

/** Those that were given up and live on: a process that waits for a dead driver sleeps beyond the reach of SIGKILL. */
const abandoned = new Set<string>();

/**
 * One nvidia-smi, asked one question at a time. None of them outlasts the deadline or holds the event loop; while a
 * process that was given up still lives, no second one is started and the answer is `hung` at once.
 */
export class NvidiaSmi {
  readonly #file: string;
  readonly #options: NvidiaSmiOptions;
  readonly #endMs: number;
  #last: Promise<unknown> = Promise.resolve();

  /** `file`: a name to look up, or a path. The deadline begins now. */
  constructor(file: string, options: NvidiaSmiOptions) {
    this.#file = file;
    this.#options = options;
    this.#endMs = options.clock.monotonicMs() + options.deadlineMs;
  }

  /** Never rejects. */
  ask(...args: readonly string[]): Promise<NvidiaSmiOutcome> {
    const outcome = this.#last.then(() => this.#run(args));
    this.#last = outcome;
    return outcome;
  }

  async #run(args: readonly string[]): Promise<NvidiaSmiOutcome> {
    const { env, clock } = this.#options;
    const key = `${env['PATH']}|${this.#file}`;
    const leftMs = this.#endMs - clock.monotonicMs();
    if (leftMs <= 0 || abandoned.has(key)) return { kind: 'hung' };
    const child = execa(this.#file, args, {
      env: { ...env, LC_ALL: 'C' },
      extendEnv: false,
      stdin: 'ignore',
      reject: false,
    });
    const deadline = Promise.withResolvers<null>();
    const cancel = clock.schedule(leftMs, () => deadline.resolve(null));
    const result = await Promise.race([child, deadline.promise]);
    cancel();
    if (result !== null) return outcomeOf(result);
    abandoned.add(key);
    child.nodeChildProcess.once('exit', () => abandoned.delete(key));
    child.kill('SIGKILL');
    child.stdout.destroy();
    child.stderr.destroy();
    child.nodeChildProcess.unref();
    return { kind: 'hung' };
  }
}

interface Ended {
  readonly code?: string | undefined;
  readonly exitCode?: number | undefined;
  readonly signal?: string | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly shortMessage?: string | undefined;
}

function outcomeOf({ code, exitCode, signal, stdout, stderr, shortMessage }: Ended): NvidiaSmiOutcome {
  if (code === 'ENOENT') return { kind: 'missing' };
  if (exitCode !== undefined) {
    return { kind: 'finished', exitCode, stdout, output: [stdout, stderr].filter(Boolean).join('\n') };
  }
  if (signal !== undefined) return { kind: 'killed', signal };
  return { kind: 'unstartable', message: shortMessage ?? 'no reason given' };
}

/** A list question: `fields` of `list`, as rows without heading and units. */
export function listQuestion(list: 'gpu' | 'compute-apps', fields: readonly string[]): readonly string[] {
  return [`--query-${list}=${fields.join(',')}`, '--format=csv,noheader,nounits'];
}
