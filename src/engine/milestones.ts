/** What an engine does between its spawn and its first token, in this order. */
export const START_PHASES = ['program', 'weights', 'compile', 'graphs', 'api'] as const;

export type StartPhase = (typeof START_PHASES)[number];

/** One line of a start's log that says how far it is. */
export interface Milestone {
  readonly phase: StartPhase;
  /** For people: `loading weights (40 %)`. */
  readonly sentence: string;
}

interface KnownLine extends Milestone {
  readonly pattern: RegExp;
}

/** Lines of a vLLM start, in their order (vLLM 0.32 and the versions before it). For display only: readiness is a token. */
const KNOWN_LINES: readonly KnownLine[] = [
  { pattern: /Resolved architecture/, phase: 'program', sentence: 'starting the engine process' },
  { pattern: /Initializing a V1 LLM engine/, phase: 'program', sentence: 'starting the workers' },
  { pattern: /Starting to load model/, phase: 'weights', sentence: 'loading weights' },
  {
    pattern: /Loading safetensors checkpoint shards:\s+(\d+)% Completed/,
    phase: 'weights',
    sentence: 'loading weights',
  },
  {
    pattern: /Dynamo bytecode transform|Compiling a graph|Directly load the compiled graph|torch\.compile takes/,
    phase: 'compile',
    sentence: 'compiling',
  },
  { pattern: /KV cache size: [\d,]+ tokens/, phase: 'graphs', sentence: 'warming up' },
  { pattern: /Capturing CUDA graphs?[^%]*?(\d+)%/, phase: 'graphs', sentence: 'capturing CUDA graphs' },
  { pattern: /init engine .* took/, phase: 'api', sentence: 'starting the API server' },
];

/** What a starting engine does now, if this line of its log tells; else null. */
export function readMilestone(line: string): Milestone | null {
  for (const { pattern, phase, sentence } of KNOWN_LINES) {
    const match = pattern.exec(line);
    if (match) return { phase, sentence: match[1] === undefined ? sentence : `${sentence} (${match[1]} %)` };
  }
  return null;
}
