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

const HUNG: NvidiaSmiOutcome = { kind: 'hung' };

/** The turn of one program: whoever asks it, one question runs at a time. */
interface Lane {
  last: Promise<unknown>;
  /** A process was given up and lives on: one that waits for a dead driver sleeps beyond the reach of SIGKILL. */
  isAbandoned: boolean;
}

const lanes = new Map<string, Lane>();

function laneOf(key: string): Lane {
  const lane = lanes.get(key) ?? { last: Promise.resolve(), isAbandoned: false };
  lanes.set(key, lane);
  return lane;
}

/**
 * One nvidia-smi, asked one question at a time, also where several of this class ask the same program. No answer comes
 * later than the deadline, and none holds the event loop; while a process that was given up still lives, no second one
 * is started and the answer is `hung` at once.
 */
export class NvidiaSmi {
  readonly #file: string;
  readonly #options: NvidiaSmiOptions;
  readonly #endMs: number;
  readonly #lane: Lane;

  /** `file`: a name to look up, or a path. The deadline begins now. */
  constructor(file: string, options: NvidiaSmiOptions) {
    this.#file = file;
    this.#options = options;
    this.#endMs = options.clock.monotonicMs() + options.deadlineMs;
    this.#lane = laneOf(`${options.env['PATH']}|${file}`);
  }

  /** Never rejects. */
  ask(...args: readonly string[]): Promise<NvidiaSmiOutcome> {
    const { clock } = this.#options;
    const deadline = Promise.withResolvers<null>();
    const cancel = clock.schedule(Math.max(0, this.#endMs - clock.monotonicMs()), () => deadline.resolve(null));
    const turn = this.#lane.last.then(() => this.#run(args, deadline.promise));
    this.#lane.last = turn;
    return Promise.race([turn, deadline.promise.then(() => HUNG)]).finally(cancel);
  }

  async #run(args: readonly string[], deadline: Promise<null>): Promise<NvidiaSmiOutcome> {
    const { env, clock } = this.#options;
    if (clock.monotonicMs() >= this.#endMs || this.#lane.isAbandoned) return HUNG;
    const child = execa(this.#file, args, {
      env: { ...env, LC_ALL: 'C' },
      extendEnv: false,
      stdin: 'ignore',
      reject: false,
    });
    const result = await Promise.race([child, deadline]);
    if (result !== null) return outcomeOf(result);
    this.#lane.isAbandoned = true;
    child.nodeChildProcess.once('exit', () => {
      this.#lane.isAbandoned = false;
    });
    child.kill('SIGKILL');
    child.stdout.destroy();
    child.stderr.destroy();
    child.nodeChildProcess.unref();
    return HUNG;
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
