interface Milestone {
  readonly pattern: RegExp;
  readonly progress: string;
}

/** Lines of a vLLM start, in their order (vLLM 0.32 and the versions before it). For display only: readiness is a token. */
const MILESTONES: readonly Milestone[] = [
  { pattern: /Resolved architecture/, progress: 'starting the engine process' },
  { pattern: /Initializing a V1 LLM engine/, progress: 'starting the workers' },
  { pattern: /Starting to load model/, progress: 'loading weights' },
  { pattern: /Loading safetensors checkpoint shards:\s+(\d+)% Completed/, progress: 'loading weights' },
  { pattern: /Dynamo bytecode transform|Compiling a graph|torch\.compile takes/, progress: 'compiling' },
  { pattern: /KV cache size: [\d,]+ tokens/, progress: 'warming up' },
  { pattern: /Capturing CUDA graphs?[^%]*?(\d+)%/, progress: 'capturing CUDA graphs' },
  { pattern: /init engine .* took/, progress: 'starting the API server' },
];

/** What a starting engine does now, if this line of its log tells: `loading weights (40 %)`; else null. */
export function readMilestone(line: string): string | null {
  for (const { pattern, progress } of MILESTONES) {
    const match = pattern.exec(line);
    if (match) return match[1] === undefined ? progress : `${progress} (${match[1]} %)`;
  }
  return null;
}
