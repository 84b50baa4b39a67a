import type { ModelId } from '../domain/model.ts';
import { shellWord } from '../domain/shell-word.ts';

export interface BannerFacts {
  readonly version: string;
  readonly url: string;
  /** Null: only engines elsewhere answer, and none has told its model yet. */
  readonly model: ModelId | null;
  /** One sentence from the plan. */
  readonly summary: string;
  readonly simulated: boolean;
  /** The file of the server's own key; or there are only named ones, or nobody needs any. */
  readonly key: { readonly file: string } | 'named' | 'none';
  readonly stateDir: string;
}

/** What a person sees first: where it listens, with which key, and a line to paste: a first request, or which model it may name. */
export function banner({ version, url, model, summary, simulated, key, stateDir }: BannerFacts): string {
  return [
    '',
    `chorus ${version}${simulated ? '   *** SIMULATED: no model runs here; a small closed world answers ***' : ''}`,
    `  serving  ${summary}`,
    `  url      ${url}/v1   (OpenAI Responses; any OpenAI client works)`,
    `  key      ${whichKey(key)}`,
    `  state    ${stateDir}`,
    '',
    `  ${model === null ? `curl ${url}/v1/models${keyHeader(key)}` : createLine(url, model, key)}`,
    '',
  ].join('\n');
}

function createLine(url: string, model: ModelId, key: BannerFacts['key']): string {
  const body = JSON.stringify({ model, stream: true, temperature: 0, input: 'What is 7 + 8?' });
  return `curl -N ${url}/v1/responses -H 'content-type: application/json'${keyHeader(key)} -d '${body}'`;
}

function whichKey(key: BannerFacts['key']): string {
  if (key === 'none') return 'none needed from this machine (use "EMPTY")';
  return key === 'named' ? 'a named one; `chorus keys create NAME` makes another' : `in ${key.file}`;
}

function keyHeader(key: BannerFacts['key']): string {
  if (key === 'none') return '';
  return ` -H "authorization: Bearer ${key === 'named' ? '$KEY' : `$(cat ${shellWord(key.file)})`}"`;
}
