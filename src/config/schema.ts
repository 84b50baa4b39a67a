import { Type, type Static } from 'typebox';
import { MODEL_IDS, type ModelId } from '../domain/model.ts';
import { addressProblem } from './address.ts';
import { engineArgumentsProblem } from './engine-arguments.ts';
import { REMOTE_ENGINES } from './remote-engines.ts';
import { limits, store, usage } from './project-settings.ts';
import { path } from './setting-notes.ts';

/** `auto` picks vLLM where a GPU is, and simulates only where a trial must be meant; with `none` all answer from elsewhere. */
export type EngineChoice = 'auto' | 'gpu' | 'cpu' | 'simulated' | 'none';
const ENGINE_CHOICES: EngineChoice[] = ['auto', 'gpu', 'cpu', 'simulated', 'none'];

/** Whether clients see the text of the model's reasoning, which gpt-oss's makers advise not to show to end users. */
export type ReasoningVisibility = 'shown' | 'hidden';
const REASONING_VISIBILITIES: ReasoningVisibility[] = ['shown', 'hidden'];

/** How a start is shown; `auto` is live where a person watches. */
export type ProgressStyle = 'auto' | 'live' | 'plain' | 'json';
const PROGRESS_STYLES: ProgressStyle[] = ['auto', 'live', 'plain', 'json'];

/** How much the log tells; each level includes those after it. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
const LOG_LEVELS: LogLevel[] = ['debug', 'info', 'warn', 'error'];

const MODEL_CHOICES: ('auto' | ModelId)[] = ['auto', ...MODEL_IDS];
/** vLLM divides gpt-oss's 8 key-value heads evenly over the cards of one machine. */
const TENSOR_PARALLEL_CHOICES: ('auto' | 1 | 2 | 4 | 8)[] = ['auto', 1, 2, 4, 8];

const auto = Type.Literal('auto');

const engine = Type.Object(
  {
    kind: Type.Enum(ENGINE_CHOICES, {
      default: 'gpu',
      description: 'What runs here: vLLM on GPUs or the CPU, the simulator or none; auto simulates without NVIDIA',
      notes: { flag: 'engine', placeholder: '<kind>' },
    }),
    python: Type.Optional(
      path('<file>', {
        description: 'Interpreter of the environment that vLLM is installed in',
        defaultText: 'the vllm on the PATH',
        takesEffect: 'engines',
      }),
    ),
    model_path: Type.Optional(
      path('<folder>', {
        description: 'A local checkpoint, whose size decides what fits',
        defaultText: 'the published checkpoint',
        takesEffect: 'engines',
      }),
    ),
    replicas: Type.Union([auto, Type.Integer({ minimum: 1, maximum: 64 })], {
      default: 'auto',
      description: 'Copies of the model; auto: as many as fit',
      notes: { placeholder: '<n>', takesEffect: 'engines' },
    }),
    gpus: Type.Union(
      [
        auto,
        Type.Array(
          Type.Union([
            Type.Integer({ minimum: 0, maximum: 4095 }),
            Type.String({ pattern: '^(\\d{1,4}|(GPU|MIG)-[0-9a-fA-F/-]+)$' }),
          ]),
          { minItems: 1, maxItems: 64, uniqueItems: true },
        ),
      ],
      {
        default: 'auto',
        description: 'GPUs to use, by index, UUID or the beginning of a UUID (nvidia-smi -L); auto: every usable one',
        notes: {
          placeholder: '<list>',
          takesEffect: 'engines',
          allowed: 'auto, or a list of indices and UUIDs such as [0, 1] or [GPU-5f2a9c31]',
        },
      },
    ),
    tensor_parallel: Type.Enum(TENSOR_PARALLEL_CHOICES, {
      default: 'auto',
      description: 'GPUs that one replica is spread over; auto: decided by what fits',
      notes: { placeholder: '<n>', takesEffect: 'engines' },
    }),
    context_tokens: Type.Union([auto, Type.Integer({ minimum: 1024, maximum: 131_072 })], {
      default: 'auto',
      description: 'Context window of every replica; auto: as much as fits',
      notes: { placeholder: '<n>', takesEffect: 'engines' },
    }),
    gpu_memory_utilization: Type.Union([auto, Type.Number({ minimum: 0.1, maximum: 1 })], {
      default: 'auto',
      description: "Share of each GPU's memory that an engine takes; auto: decided by what is free",
      notes: { placeholder: '<share>', takesEffect: 'engines' },
    }),
    args: Type.Array(Type.Union([Type.String({ minLength: 1, maxLength: 4096 }), Type.Number()]), {
      default: [],
      maxItems: 128,
      description: "Further words of vllm serve's command line, such as [--max-num-seqs, 64]",
      notes: {
        flag: 'engine-arg',
        flagGivesEntry: true,
        placeholder: '<word>',
        takesEffect: 'engines',
        allowed: 'a list of words',
        problem: engineArgumentsProblem,
      },
    }),
    stall_seconds: Type.Integer({
      minimum: 1,
      maximum: 3600,
      default: 60,
      description:
        'How long requests may wait for an engine that shows no progress before it counts as hung and is replaced',
      notes: { placeholder: '<n>', takesEffect: 'at_once' },
    }),
    max_log_megabytes: Type.Integer({
      minimum: 1,
      maximum: 10_240,
      default: 64,
      description: "Size in MiB at which a log begins again, an engine's or Chorus's own; one older part is kept",
      notes: { placeholder: '<n>', takesEffect: 'next_start' },
    }),
  },
  { description: 'The engines: what runs, and where' },
);

const server = Type.Object(
  {
    host: Type.String({
      default: '127.0.0.1',
      description: 'Address to listen on; one that other machines reach (0.0.0.0) needs an API key',
      notes: { placeholder: '<address>', allowed: 'an IP address or localhost', problem: addressProblem },
    }),
    // The port of vLLM's own guide, so that its snippets run unchanged.
    port: Type.Integer({
      minimum: 0,
      maximum: 65_535,
      default: 8000,
      description: 'Port to listen on; 0: any free one',
      notes: { placeholder: '<n>' },
    }),
    api_key_file: Type.Optional(
      path('<file>', {
        description: 'File with the API key that callers must present, on every address',
        defaultText: 'api-key in the state directory',
      }),
    ),
    admin_key_file: Type.Optional(
      path('<file>', {
        description: 'File with the key that opens /admin, where callers need keys',
        defaultText: 'admin-key in the state directory',
      }),
    ),
    no_key: Type.Boolean({
      default: false,
      description: 'Ask for no key, whatever keys there are; only on an address that this machine alone reaches',
    }),
  },
  { description: 'Where clients connect' },
);

/**
 * Every setting of Chorus, once: types, defaults, checks, `configs/schema.json`, `--help` and the reference come from
 * here. A setting is a leaf; its `notes` say how it is spelled as a flag.
 */
export const CONFIG_SCHEMA = Type.Object(
  {
    model: Type.Enum(MODEL_CHOICES, {
      default: 'auto',
      description: 'Model to serve; auto: the largest that fits',
      notes: { placeholder: '<name>', takesEffect: 'engines' },
    }),
    engine,
    engines: REMOTE_ENGINES,
    server,
    limits,
    store,
    usage,
    state_dir: path('<folder>', {
      description: 'Where key, stored responses, logs and sockets live',
      defaultText: '$XDG_STATE_HOME/chorus, else ~/.local/state/chorus',
    }),
    reasoning: Type.Enum(REASONING_VISIBILITIES, {
      default: 'shown',
      description: "Whether clients see the text of the model's reasoning",
      notes: { placeholder: '<visibility>', takesEffect: 'at_once' },
    }),
    default_temperature: Type.Number({
      minimum: 0,
      maximum: 2,
      default: 1,
      description: 'Temperature of requests that name none',
      notes: { placeholder: '<t>', takesEffect: 'at_once' },
    }),
    loading_wait_seconds: Type.Integer({
      minimum: 0,
      maximum: 3600,
      default: 300,
      description: 'How long a request waits for engines that load before it is answered with 503',
      notes: { placeholder: '<s>', takesEffect: 'at_once' },
    }),
    drain_seconds: Type.Integer({
      minimum: 0,
      maximum: 3600,
      default: 30,
      description: 'How long streams may go on after a stop was asked for',
      notes: { placeholder: '<s>', takesEffect: 'at_once' },
    }),
    log_level: Type.Enum(LOG_LEVELS, {
      default: 'info',
      description: 'What is written to chorus.log in the state directory; debug adds every request, never its text',
      notes: { placeholder: '<level>' },
    }),
    progress: Type.Enum(PROGRESS_STYLES, {
      default: 'auto',
      description:
        'How serve shows the start: live redraws, json is one object a line; auto: live on a terminal, else plain',
      notes: { placeholder: '<style>' },
    }),
    assume_yes: Type.Boolean({
      default: false,
      description: 'Install vLLM and download weights without asking',
      notes: { flag: 'yes' },
    }),
  },
  { description: 'The configuration of Chorus' },
);

/** All settings with their defaults filled in; those without a default may be absent. */
export type Config = Static<typeof CONFIG_SCHEMA>;
