import { encodeText } from '../../src/harmony/encode.ts';
import { STOP_TOKEN_IDS, TOKENS } from '../../src/harmony/tokens.ts';
import { Pool } from '../../src/pool/pool.ts';
import { Flow } from '../../src/turn/attempt.ts';
import type { AttemptFailed } from '../../src/turn/after-failure.ts';
import type { MessageListener } from '../../src/turn/progress.ts';
import { PromptEncoder } from '../../src/turn/prompt-encoder.ts';
import { runTurn, type TurnRequest } from '../../src/turn/run-turn.ts';
import { Suspects } from '../../src/turn/suspects.ts';
import { FakeClock } from './fake-clock.ts';
import { aReplica } from './replicas.ts';
import { ScriptedUpstream } from './scripted-upstream.ts';
import { vocabulary } from './vocabulary.ts';

/** Greedy, with nothing else set. */
export const sampling = {
  temperature: 0,
  topP: 1,
  topK: 0,
  minP: 0,
  repetitionPenalty: 1,
  presencePenalty: 0,
  frequencyPenalty: 0,
  seed: null,
  priority: 0,
  logitBias: null,
  topLogprobs: null,
  stopTokenIds: STOP_TOKEN_IDS,
  extras: null,
};
/** The prompt of one user's message. */
export function userPrompt(text: string, truncate: boolean): TurnRequest['prompt'] {
  return { kind: 'messages', messages: [{ role: 'user', text }], truncate };
}

const request: TurnRequest = {
  requestId: 'resp_1',
  cacheSalt: null,
  authorization: null,
  model: 'gpt-oss-20b',
  prompt: userPrompt('hi', false),
  sampling,
  maxOutputTokens: null,
  stop: [],
  rule: null,
};
/** The ids that begin an answer. */
export const FINAL = [TOKENS.channel, ...encodeText(vocabulary, 'final'), TOKENS.message];
/** Length of the prompt that the default request makes. */
export const PROMPT_TOKENS = 7;
/** How long a turn waits for a first engine. */
export const LOADING_WAIT_MS = 1000;

/** A turn over scripted engines, and what its listener hears. With `mayBecomeReady` it waits for one where there is none. */
export function setUpTurn(replicas = ['e0', 'e1'], mayBecomeReady = false) {
  const clock = new FakeClock();
  const suspects = new Suspects(clock);
  const pool = new Pool({
    clock,
    loadingWaitMs: LOADING_WAIT_MS,
    outlook: () => ({ mayBecomeReady, othersMayCome: false, leftMs: null, sentence: 'none left.' }),
    onEngineEnded: (run) => suspects.engineEnded(run),
  });
  for (const engineId of replicas) pool.admit(aReplica({ engineId }));
  const upstream = new ScriptedUpstream();
  const heard: string[] = [];
  const failures: AttemptFailed[] = [];
  const listener: Omit<MessageListener, 'isLive'> = {
    hears: 'messages',
    onMessageStart: ({ channel }) => void heard.push(`<${channel}>`),
    onText: (text) => void heard.push(text),
    onMessageEnd: ({ how }) => void heard.push(`</${how}>`),
    onLogprobs: (logprobs) => void heard.push(`[${logprobs.map(({ token_id: id }) => id).join()}]`),
    onBatchEnd: () => void heard.push('|'),
    onStartOver: () => void heard.push('<start over>'),
  };
  const deps = {
    vocabulary,
    prompts: new PromptEncoder(vocabulary, 10_000),
    pool,
    openTokenStream: upstream.open,
    suspects,
    onAttemptFailed: (event: AttemptFailed) => void failures.push(event),
  };
  const client = new AbortController();
  const flow = new Flow();
  const run = (changes: Partial<TurnRequest> = {}, isLive = true, { signal } = client) =>
    runTurn(deps, { ...request, ...changes }, { ...listener, isLive }, { flow, signal });
  return { deps, clock, pool, suspects, upstream, heard, failures, client, flow, run };
}
