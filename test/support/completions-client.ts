import { request } from 'undici';
import type { ChatCompletion, ChatFinishReason, ChatMessage, CompletionUsage } from '../../src/protocol/chat.ts';
import type { TokenLogprob } from '../../src/protocol/responses.ts';
import type { JsonAnswer } from './responses-client.ts';

/** The body of an error, on every route. */
export interface ErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly code: string | null;
    readonly param: string | null;
  };
}

/** Posts a body (an object, or text as it is) to a path and reads the JSON answer. */
export async function post<T>(url: string, path: string, body: object | string): Promise<JsonAnswer<T>> {
  const answer = await open(url, path, body);
  return { status: answer.statusCode, headers: answer.headers, body: (await answer.body.json()) as T };
}

export interface DataStream<Chunk> {
  /** What the frames hold, the error that ends a failed stream apart. */
  readonly chunks: readonly Chunk[];
  readonly error: ErrorBody['error'] | null;
  /** Whether the stream closed with `data: [DONE]`. */
  readonly done: boolean;
  /** Frames that only keep the connection open. */
  readonly comments: number;
}

/** Posts a body with `stream: true` and reads the whole stream. Throws when the answer is none. */
export async function postStream<Chunk>(
  url: string,
  path: string,
  body: object,
  signal?: AbortSignal,
): Promise<DataStream<Chunk>> {
  const answer = await open(url, path, { ...body, stream: true }, signal);
  const text = await answer.body.text();
  if (answer.statusCode !== 200) throw new Error(`${answer.statusCode}: ${text}`);
  return readDataFrames(text);
}

/** The frames of a whole stream. */
export function readDataFrames<Chunk>(text: string): DataStream<Chunk> {
  const frames = text.split('\n\n').filter((frame) => frame !== '');
  const data = frames.flatMap((frame) => (frame.startsWith('data: ') ? frame.slice('data: '.length) : []));
  const objects = data.filter((json) => json !== '[DONE]').map((json) => JSON.parse(json) as Chunk | ErrorBody);
  const isError = (object: Chunk | ErrorBody): object is ErrorBody => Object.hasOwn(object as object, 'error');
  return {
    chunks: objects.filter((object) => !isError(object)) as Chunk[],
    error: objects.find(isError)?.error ?? null,
    done: data.at(-1) === '[DONE]',
    comments: frames.length - data.length,
  };
}

function open(url: string, path: string, body: object | string, signal?: AbortSignal) {
  return request(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer EMPTY' },
    body: typeof body === 'string' ? body : JSON.stringify({ model: 'gpt-oss-20b', ...body }),
    headersTimeout: 0,
    bodyTimeout: 0,
    ...(signal ? { signal } : {}),
  });
}

/** A chunk of a chat stream. */
export interface ChatChunk {
  readonly id: string;
  readonly object: string;
  readonly created: number;
  readonly model: string;
  readonly usage?: CompletionUsage | null;
  readonly choices: readonly {
    readonly delta: {
      readonly role?: 'assistant';
      readonly content?: string;
      readonly reasoning?: string;
      readonly tool_calls?: readonly {
        readonly index: number;
        readonly id?: string;
        readonly type?: 'function';
        readonly function: { readonly name?: string; readonly arguments: string };
      }[];
    };
    readonly logprobs: { readonly content: readonly TokenLogprob[] } | null;
    readonly finish_reason: ChatFinishReason | null;
  }[];
}

/** What a chat completion says, wherever it came from. */
export interface ChatSaid {
  readonly message: ChatMessage;
  readonly logprobs: readonly TokenLogprob[];
  readonly finishReason: ChatFinishReason | null;
  readonly usage: CompletionUsage | null;
}

export function saidWhole({ choices: [choice], usage }: ChatCompletion): ChatSaid {
  const { message, logprobs, finish_reason: finishReason } = choice;
  return { message, logprobs: logprobs?.content ?? [], finishReason, usage };
}

/** Puts a stream together as clients do; throws where its chunks do not follow the rules. */
export function saidInChunks({ chunks, done }: DataStream<ChatChunk>): ChatSaid {
  if (chunks[0]?.choices[0]?.delta.role !== 'assistant') throw new Error('the first chunk names no role');
  if (!done) throw new Error('the stream has no [DONE]');
  if (new Set(chunks.map(({ id }) => id)).size !== 1) throw new Error('the chunks have several ids');
  const choices = chunks.flatMap((chunk) => chunk.choices);
  const ended = choices.findIndex((choice) => choice.finish_reason !== null);
  if (ended !== choices.length - 1) throw new Error('something follows the finish reason, or there is none');
  const text = (field: 'content' | 'reasoning'): string => choices.map(({ delta }) => delta[field] ?? '').join('');
  const calls = callsOf(choices.flatMap(({ delta }) => delta.tool_calls ?? []));
  const [content, reasoning] = [text('content'), text('reasoning')];
  return {
    message: {
      role: 'assistant',
      content: content === '' && calls.length > 0 ? null : content,
      refusal: null,
      ...(reasoning === '' ? {} : { reasoning }),
      ...(calls.length === 0 ? {} : { tool_calls: calls }),
    },
    logprobs: choices.flatMap(({ logprobs }) => logprobs?.content ?? []),
    finishReason: choices.at(-1)?.finish_reason ?? null,
    usage: chunks.at(-1)?.usage ?? null,
  };
}

type CallDelta = NonNullable<ChatChunk['choices'][number]['delta']['tool_calls']>[number];

function callsOf(deltas: readonly CallDelta[]): NonNullable<ChatMessage['tool_calls']> {
  const calls: NonNullable<ChatMessage['tool_calls']> = [];
  for (const { index, id, type, function: part } of deltas) {
    if (index === calls.length && id !== undefined && type === 'function' && part.name !== undefined) {
      calls.push({ id, type, function: { name: part.name, arguments: part.arguments } });
    } else {
      const call = calls[index];
      if (call === undefined || id !== undefined) throw new Error(`call ${index} begins without id, type and name`);
      call.function.arguments += part.arguments;
    }
  }
  return calls;
}
