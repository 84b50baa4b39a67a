/** What the simulator is started with: vLLM 0.32's own flags as far as they change anything here, and `--sim-…`. */
export interface SimulatorOptions {
  readonly model: string;
  readonly servedNames: readonly string[];
  readonly listen: { readonly socketPath: string } | { readonly host: string; readonly port: number };
  /** Context in tokens. */
  readonly maxModelLen: number;
  readonly scaleOut: boolean;
  readonly promptTokensDetails: boolean;
  readonly shutdownTimeoutMs: number;
  /** Share of each card that is booked where there is a ledger of GPU memory. */
  readonly gpuMemoryUtilization: number;
  /** `--prefix-cache-retention-interval` in tokens; 0 keeps prompt ends only. */
  readonly retentionTokens: number;
  readonly startupMs: number;
  readonly tokenIntervalMs: number;
  readonly crashBeforeReady: boolean;
  /** The engine process dies when a generation reaches this many tokens. */
  readonly crashAfterTokens: number | null;
  /** The engine process freezes when a generation reaches this many tokens; its server goes on answering. */
  readonly hangAfterTokens: number | null;
  readonly ignoreTerm: boolean;
  /** EngineCore and a worker are processes of their own, whose ends and stops count. */
  readonly hasProcesses: boolean;
  /** Where files with an engine's faults may appear while it runs (`faults.ts`). */
  readonly faultFolder: string | null;
}

export type CommandLine =
  | { readonly kind: 'options'; readonly options: SimulatorOptions }
  /** `message` as argparse prints it last; exit code 2. */
  | { readonly kind: 'refused'; readonly message: string };

type Arity = 'switch' | 'one' | 'many';

/** The flags of `vllm serve` that are accepted; those without a part above are accepted and change nothing. */
const FLAGS: Readonly<Record<string, Arity>> = {
  model: 'one',
  uds: 'one',
  host: 'one',
  port: 'one',
  'served-model-name': 'many',
  'max-model-len': 'one',
  'enable-scale-out': 'switch',
  'enable-prompt-tokens-details': 'switch',
  'shutdown-timeout': 'one',
  'prefix-cache-retention-interval': 'one',
  'enforce-eager': 'switch',
  'enable-auto-tool-choice': 'switch',
  'tool-call-parser': 'one',
  'tensor-parallel-size': 'one',
  'gpu-memory-utilization': 'one',
  'max-num-batched-tokens': 'one',
  'max-num-seqs': 'one',
  'generation-config': 'one',
  'structured-outputs-config': 'one',
  'disable-uvicorn-access-log': 'switch',
  'sim-startup-ms': 'one',
  'sim-token-interval-ms': 'one',
  'sim-crash-before-ready': 'switch',
  'sim-crash-after-tokens': 'one',
  'sim-hang-after-tokens': 'one',
  'sim-ignore-term': 'switch',
  'sim-processes': 'switch',
  'sim-faults': 'one',
};

/** vLLM's default is every interface; a simulator has no business there. */
const LOOPBACK = '127.0.0.1';

interface RawFlags {
  readonly values: ReadonlyMap<string, readonly string[]>;
  readonly positional: readonly string[];
  readonly unknown: readonly string[];
}

/** Reads `serve MODEL …` (the `vllm` command) or `--model MODEL …` (its API server module). */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const serve = args[0] === 'serve';
  const { values, positional, unknown } = scan(serve ? args.slice(1) : args);
  if (unknown.length > 0) {
    return refuse(`${serve ? 'vllm' : 'api_server.py'}: error: unrecognized arguments: ${unknown.join(' ')}`);
  }
  const bad = [...values].find(
    ([name, [value = '']]) => /-len$|-ms$|-tokens$|^port$|-interval$|-timeout$/.test(name) && !/^\d+$/.test(value),
  );
  if (bad) {
    const type = bad[0] === 'max-model-len' ? 'human_readable_int_or_auto' : 'int';
    const program = serve ? 'vllm serve' : 'api_server.py';
    return refuse(`${program}: error: argument --${bad[0]}: invalid ${type} value: '${bad[1][0] ?? ''}'`);
  }
  return { kind: 'options', options: toOptions(values, positional[0]) };
}

const refuse = (message: string): CommandLine => ({ kind: 'refused', message });

function scan(args: readonly string[]): RawFlags {
  const values = new Map<string, string[]>();
  const positional: string[] = [];
  const unknown: string[] = [];
  for (let index = 0; index < args.length; index++) {
    const [, name, inline] = /^--([^=]+)(?:=(.*))?$/s.exec(args[index] ?? '') ?? [];
    if (name === undefined) positional.push(args[index] ?? '');
    else if (!Object.hasOwn(FLAGS, name)) unknown.push(args[index] ?? '');
    else {
      const taken = inline === undefined ? valuesAfter(args, index, FLAGS[name] ?? 'switch') : [inline];
      values.set(name, taken);
      if (inline === undefined) index += taken.length;
    }
  }
  return { values, positional, unknown };
}

function valuesAfter(args: readonly string[], index: number, arity: Arity): string[] {
  if (arity === 'switch') return [];
  if (arity === 'one') return args.slice(index + 1, index + 2);
  const end = args.findIndex((arg, at) => at > index && arg.startsWith('--'));
  return args.slice(index + 1, end === -1 ? undefined : end);
}

function toOptions(values: RawFlags['values'], positional: string | undefined): SimulatorOptions {
  const text = (name: string): string | undefined => values.get(name)?.[0];
  const number = (name: string, fallback: number): number => Number(text(name) ?? fallback);
  const count = (name: string): number | null => (values.has(name) ? number(name, 0) : null);
  const model = positional ?? text('model') ?? 'openai/gpt-oss-20b';
  const socketPath = text('uds');
  return {
    model,
    servedNames: values.get('served-model-name') ?? [model],
    listen: socketPath === undefined ? { host: text('host') ?? LOOPBACK, port: number('port', 8000) } : { socketPath },
    maxModelLen: number('max-model-len', 131_072),
    scaleOut: values.has('enable-scale-out'),
    promptTokensDetails: values.has('enable-prompt-tokens-details'),
    gpuMemoryUtilization: number('gpu-memory-utilization', 0.92),
    shutdownTimeoutMs: 1000 * number('shutdown-timeout', 0),
    retentionTokens: number('prefix-cache-retention-interval', 0),
    startupMs: number('sim-startup-ms', 200),
    tokenIntervalMs: number('sim-token-interval-ms', 5),
    crashBeforeReady: values.has('sim-crash-before-ready'),
    crashAfterTokens: count('sim-crash-after-tokens'),
    hangAfterTokens: count('sim-hang-after-tokens'),
    ignoreTerm: values.has('sim-ignore-term'),
    hasProcesses: values.has('sim-processes'),
    faultFolder: text('sim-faults') ?? null,
  };
}
