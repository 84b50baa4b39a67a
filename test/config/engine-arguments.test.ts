import { expect, it } from 'vitest';
import { engineArgumentsProblem } from '../../src/config/engine-arguments.ts';

it.each([
  [[]],
  [['--max-num-seqs', 64]],
  [['--compilation-config={"mode": 3}', '-O3', '--async-scheduling', '--rope-scaling', '{"a": 1}']],
])('vLLM gets %j', (words) => {
  expect(engineArgumentsProblem(words)).toBeNull();
});

it.each([
  [['64'], "is not an option (entry 1, '64')"],
  [['--seed', '1', '--uds', 'x'], "names an option that Chorus sets itself (entry 3, '--uds')"],
  [['--api_key=x'], "names an option that Chorus sets itself (entry 1, '--api_key=x')"],
  [['-tp', '2'], "names what engine.tensor_parallel decides: set that instead (entry 1, '-tp')"],
  [['--max_model_len=1'], "names what engine.context_tokens decides: set that instead (entry 1, '--max_model_len=1')"],
  [
    ['--max-num-seqs 64'],
    "has an option and its value in one entry: write two entries, or --option=value (entry 1, '--max-num-seqs 64')",
  ],
])('%j is refused', (words, problem) => {
  expect(engineArgumentsProblem(words)).toBe(problem);
});
