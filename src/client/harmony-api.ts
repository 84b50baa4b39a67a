import type OpenAI from 'openai';
import { sleep, type Clock } from '../domain/clock.ts';
import { dropOldAnalysis } from '../harmony/drop.ts';
import { startEncoding } from '../harmony/encode.ts';
import type { HarmonyMessage } from '../harmony/message.ts';
import { createParser } from '../harmony/parse.ts';
import { renderConversation } from '../harmony/render.ts';
import { structuralTag } from '../harmony/structural-tag.ts';
import { STOP_TOKEN_IDS } from '../harmony/tokens.ts';
import { createVocabulary, type Vocabulary } from '../harmony/vocabulary.ts';
import type { EngineChunk, EngineFinishReason, EngineUsage } from '../protocol/generate.ts';
import { readVocabulary } from '../system/vocabulary.ts';
import { LMError } from './errors.ts';
import { calledFunction, HarmonyHistory, messagesUpTo, type HarmonyTurn } from './harmony-history.ts';
import { HarmonyOutput } from './harmony-output.ts';
import { toHarmony, wantedRule, withPreface } from './harmony-prompt.ts';
import { requestOptions, type ModelApi, type ModelCall } from './model-api.ts';
import { given, type GenerationOptions } from './options.ts';
import { sayingOf, type LMUsage, type Reply, type TokenAnswer } from './result.ts';

export interface HarmonyDeps {
  readonly http: OpenAI;
  /** The whole URL of the token route. */
  readonly url: string;
  readonly clock: Clock;
}

/** What an answer that is whole ends with, and what one is that ran out of room (vLLM's names). */
const ENDS: readonly (EngineFinishReason | null)[] = ['stop', 'length'];

/**
 * Asks by token ids (`POST /inference/v1/generate` of vLLM or Chorus): prompt and answer are gpt-oss's own format, and
 * the conversation is kept here.
 */
export function createHarmonyApi({ http, url, clock }: HarmonyDeps): ModelApi {
  const vocabulary = createVocabulary(readVocabulary());
  const history = new HarmonyHistory();
  return {
    async call(call, onDelta) {
      const before = call.previousResponseId === null ? null : history.recall(call.previousResponseId);
      const date = before?.date ?? new Date(clock.nowMs()).toISOString().slice(0, 10);
      const asked = toHarmony(call.messages, (callId) => calledFunction(before, callId));
      const conversation = withPreface([...messagesUpTo(before), ...asked], call, date);
      const promptTokenIds = await encode(conversation, vocabulary, clock);
      const stream = await http.post<AsyncIterable<EngineChunk>>(url, {
        ...requestOptions(call),
        body: requestBody(call, promptTokenIds),
        stream: true,
      });
      const output = new HarmonyOutput(onDelta, () => `call_${crypto.randomUUID()}`);
      const end = await readTokens(stream, output, vocabulary);
      const reply = toReply({ promptTokenIds, ...end }, output);
      history.remember(reply.responseId, toTurn(before, date, [...asked, ...output.messages], reply));
      return reply;
    },
  };
}

/** A long prompt is encoded a few milliseconds at a time, so that the program goes on meanwhile. */
async function encode(messages: readonly HarmonyMessage[], vocabulary: Vocabulary, clock: Clock): Promise<number[]> {
  const encoding = startEncoding(vocabulary, renderConversation(dropOldAnalysis(messages)));
  while (!encoding.step()) await sleep(clock, 0);
  return encoding.tokenIds;
}

function requestBody(call: ModelCall, tokenIds: readonly number[]): object {
  const rule = wantedRule(call);
  const tag = rule === null ? {} : { structured_outputs: { structural_tag: JSON.stringify(structuralTag(rule)) } };
  return {
    model: call.model,
    token_ids: tokenIds,
    sampling_params: { ...sampling(call.generation), ...tag, ...call.generation.extraBody },
    stream: true,
    stream_options: { include_usage: true },
  };
}

/** Said in full, so that nothing is left to a checkpoint's own defaults; without a maximum the context is the limit. */
function sampling({ temperature, topP, maxOutputTokens }: GenerationOptions): object {
  return {
    temperature: temperature ?? 1,
    top_p: topP ?? 1,
    top_k: 0,
    min_p: 0,
    repetition_penalty: 1,
    presence_penalty: 0,
    frequency_penalty: 0,
    stop_token_ids: STOP_TOKEN_IDS,
    detokenize: false,
    ...given({ max_tokens: maxOutputTokens }),
  };
}

type TokenEnd = Omit<TokenAnswer, 'promptTokenIds'>;

async function readTokens(
  chunks: AsyncIterable<EngineChunk>,
  output: HarmonyOutput,
  vocabulary: Vocabulary,
): Promise<TokenEnd> {
  const parser = createParser(vocabulary);
  const tokenIds: number[] = [];
  let finishReason: EngineFinishReason | null = null;
  let usage: EngineUsage | null = null;
  for await (const chunk of chunks) {
    usage = chunk.usage ?? usage;
    const [choice] = chunk.choices ?? [];
    finishReason = choice?.finish_reason ?? finishReason;
    const added = choice?.token_ids ?? [];
    for (const id of added) tokenIds.push(id);
    parser.push(added, output);
  }
  parser.finish(output);
  if (finishReason !== null && ENDS.includes(finishReason)) return { tokenIds, finishReason, usage };
  const { text } = sayingOf(output.said);
  if (finishReason === null) throw new LMError('stream_cut', 'The stream ended before its answer did.', { text });
  throw new LMError('response_failed', `The engine ended the answer with "${finishReason}".`, { text });
}

function toReply(rawResponse: TokenAnswer, output: HarmonyOutput): Reply & { readonly responseId: string } {
  return {
    apiType: 'harmony',
    rawResponse,
    responseId: `resp_${crypto.randomUUID()}`,
    ...sayingOf(output.said),
    usage: rawResponse.usage === null ? null : readUsage(rawResponse.usage, output.reasoningTokens),
    incompleteReason: rawResponse.finishReason === 'length' ? 'max_output_tokens' : null,
  };
}

const readUsage = (usage: EngineUsage, reasoningTokens: number): LMUsage => ({
  inputTokens: usage.prompt_tokens,
  cachedTokens: usage.prompt_tokens_details?.cached_tokens ?? 0,
  outputTokens: usage.completion_tokens,
  reasoningTokens,
  totalTokens: usage.total_tokens,
});

function toTurn(
  before: HarmonyTurn | null,
  date: string,
  messages: readonly HarmonyMessage[],
  { toolCalls }: Reply,
): HarmonyTurn {
  return { before, date, messages, calledFunctions: new Map(toolCalls.map(({ id, name }) => [id, name])) };
}
