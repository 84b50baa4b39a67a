import { request } from 'undici';
import type { ResponseObject } from '../../src/protocol/responses.ts';

/** An event as it came over the wire. */
export interface WireEvent {
  readonly type: string;
  readonly sequence_number: number;
  readonly [key: string]: unknown;
}

export interface StreamedResponse {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly events: readonly WireEvent[];
  /** The `response` of the terminal event. */
  readonly response: ResponseObject;
  /** Whether the stream closed with `data: [DONE]` after its terminal event. */
  readonly done: boolean;
}

const TERMINAL = ['response.completed', 'response.incomplete', 'response.failed'];

/** Posts a body and reads the whole event stream. Throws when the answer is not a stream. */
export async function streamResponse(url: string, body: object, signal?: AbortSignal): Promise<StreamedResponse> {
  return (await openStream(url, body, signal)).ended;
}

/** A stream that is being read. */
export interface OpenStream {
  /** Everything that has come. */
  readonly soFar: () => string;
  /** Rejects when it closes without a terminal event. */
  readonly ended: Promise<StreamedResponse>;
}

/** Posts a body and begins to read the event stream. Rejects when the answer is not a stream. */
export async function openStream(url: string, body: object, signal?: AbortSignal): Promise<OpenStream> {
  const answer = await request(`${url}/v1/responses`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer EMPTY' },
    body: JSON.stringify({ model: 'gpt-oss-20b', temperature: 0, ...body, stream: true }),
    headersTimeout: 0,
    bodyTimeout: 0,
    ...(signal ? { signal } : {}),
  });
  if (answer.statusCode !== 200) throw new Error(`${answer.statusCode}: ${await answer.body.text()}`);
  answer.body.setEncoding('utf8');
  let text = '';
  const read = async (): Promise<StreamedResponse> => {
    for await (const piece of answer.body) text += String(piece);
    const { events, done } = readFrames(text);
    const terminal = terminalOf(events);
    if (!terminal) throw new Error(`no terminal event in:\n${text}`);
    return { headers: answer.headers, events, response: terminal['response'] as ResponseObject, done };
  };
  return { soFar: () => text, ended: read() };
}

/** The event that ends a response; undefined before it. */
export const terminalOf = (events: readonly WireEvent[]): WireEvent | undefined =>
  events.find(({ type }) => TERMINAL.includes(type));

/** The events of a whole stream, comments skipped, and whether `[DONE]` closed it. */
export function readFrames(text: string): { events: WireEvent[]; done: boolean } {
  const frames = text.split('\n\n').filter((frame) => frame !== '' && !frame.startsWith(':'));
  const events = frames.filter((frame) => frame !== 'data: [DONE]').map(readFrame);
  return { events, done: frames.at(-1) === 'data: [DONE]' };
}

function readFrame(frame: string): WireEvent {
  const match = /^event: (.+)\ndata: (.+)$/.exec(frame);
  if (!match) throw new Error(`not a frame of one event line and one data line: ${JSON.stringify(frame)}`);
  const event = JSON.parse(match[2] ?? '') as WireEvent;
  if (event.type !== match[1]) throw new Error(`event line ${match[1]} over a body of type ${event.type}`);
  return event;
}

export interface JsonAnswer<T> {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: T;
}

/** Posts a body (an object, or text as it is) and reads the JSON answer. */
export async function postResponse<T = ResponseObject & { output_text: string }>(
  url: string,
  body: object | string,
  headers: Readonly<Record<string, string>> = {},
): Promise<JsonAnswer<T>> {
  const answer = await request(`${url}/v1/responses`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer EMPTY', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify({ model: 'gpt-oss-20b', temperature: 0, ...body }),
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  return { status: answer.statusCode, headers: answer.headers, body: (await answer.body.json()) as T };
}

export const getJson = <T>(url: string): Promise<JsonAnswer<T>> => askJson<T>('GET', url);
export const deleteJson = <T>(url: string): Promise<JsonAnswer<T>> => askJson<T>('DELETE', url);

async function askJson<T>(method: 'GET' | 'DELETE', url: string): Promise<JsonAnswer<T>> {
  const answer = await request(url, { method, headers: { authorization: 'Bearer EMPTY' } });
  return { status: answer.statusCode, headers: answer.headers, body: (await answer.body.json()) as T };
}

/** The visible answer of a response. */
export const answerText = ({ output }: ResponseObject): string =>
  output
    .flatMap((item) =>
      item.type === 'message' && item.phase === 'final_answer' ? item.content.map(({ text }) => text) : [],
    )
    .join('');

/** The text that the deltas of one type add up to. */
export const deltaText = (events: readonly WireEvent[], type: string): string =>
  events.flatMap((event) => (event.type === type ? String(event['delta']) : [])).join('');
