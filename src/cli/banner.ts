import type { ModelId } from '../domain/model.ts';
import { shellWord } from '../domain/shell-word.ts';

export interface BannerFacts {
  readonly version: string;
  readonly url: string;
  readonly model: ModelId;
  /** One sentence from the plan. */
  readonly summary: string;
  readonly simulated: boolean;
  /** Where the key is, or null for a keyless server. */
  readonly keyFile: string | null;
  readonly stateDir: string;
}

/** What a person sees first: where it listens, with which key, and a line to paste. */
export function banner({ version, url, model, summary, simulated, keyFile, stateDir }: BannerFacts): string {
  const body = JSON.stringify({ model, stream: true, temperature: 0, input: 'What is 7 + 8?' });
  const key = keyFile === null ? '' : ` -H "authorization: Bearer $(cat ${shellWord(keyFile)})"`;
  return [
    '',
    `chorus ${version}${simulated ? '   *** SIMULATED: no model runs here; a small closed world answers ***' : ''}`,
    `  serving  ${summary}`,
    `  url      ${url}/v1   (OpenAI Responses; any OpenAI client works)`,
    `  key      ${keyFile === null ? 'none needed from this machine (use "EMPTY")' : `in ${keyFile}`}`,
    `  state    ${stateDir}`,
    '',
    `  curl -N ${url}/v1/responses -H 'content-type: application/json'${key} -d '${body}'`,
    '',
  ].join('\n');
}
