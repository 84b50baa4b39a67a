/** Options of `vllm serve` that a setting decides, so that plan, engine and gateway agree on the value. */
const SETTING_OF_OPTION: Readonly<Record<string, string>> = {
  '--model': 'model or engine.model_path',
  '--max-model-len': 'engine.context_tokens',
  '--tensor-parallel-size': 'engine.tensor_parallel',
  '-tp': 'engine.tensor_parallel',
  '--gpu-memory-utilization': 'engine.gpu_memory_utilization',
};

/** Options that change where or how an engine answers: Chorus would not find it, or not understand it. */
const OWN_OPTIONS: readonly string[] = (
  '--uds --host --port --root-path --api-key --served-model-name --config --headless --ssl-keyfile --ssl-certfile ' +
  '--data-parallel-size -dp --pipeline-parallel-size -pp --nnodes -n --node-rank -r --api-server-count -asc --grpc ' +
  '--enable-scale-out --shutdown-timeout'
).split(' ');

/** Why these words cannot go to vLLM, as the end of a sentence, or null. Unknown options are vLLM's to refuse. */
export function engineArgumentsProblem(words: readonly (string | number)[]): string | null {
  for (const [index, word] of words.map(String).entries()) {
    const problem = index === 0 && !word.startsWith('-') ? 'is not an option' : wordProblem(word);
    if (problem !== null) return `${problem} (entry ${index + 1}, '${word}')`;
  }
  return null;
}

function wordProblem(word: string): string | null {
  if (!word.startsWith('-')) return null;
  if (/^--?[\w-]+\s/.test(word))
    return 'has an option and its value in one entry: write two entries, or --option=value';
  const option = optionOf(word);
  const setting = settingOfOption(option);
  if (setting !== null) return `names what ${setting} decides: set that instead`;
  return OWN_OPTIONS.includes(option) ? 'names an option that Chorus sets itself' : null;
}

/** The setting that decides this option of vLLM (`--max-model-len`), or null. */
export function settingOfOption(option: string): string | null {
  return SETTING_OF_OPTION[optionOf(option)] ?? null;
}

/** vLLM takes `_` for `-` in the names of options (its `FlexibleArgumentParser`). */
function optionOf(word: string): string {
  const [name = ''] = word.split('=', 1);
  return name.startsWith('--') ? name.replaceAll('_', '-') : name;
}
