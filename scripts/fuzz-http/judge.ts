import { ERRORS } from '../../src/domain/errors.ts';
import { eventOrderProblems } from '../../test/support/event-order.ts';
import { readFrames, type WireEvent } from '../../test/support/responses-client.ts';
import type { Exchange } from './exchange.ts';
import type { FuzzRequest } from './make-request.ts';
import type { HttpAnswer } from './read-answers.ts';

/** A server that refuses a request before it has read it resets the connection, and takes its answer away with it. */
const LONG_REQUEST_BYTES = 16 * 1024;

/** What is wrong with what came back; empty when it is one of the answers that Chorus gives. */
export function exchangeProblems(request: FuzzRequest, { answers, rest, end }: Exchange): string[] {
  const problems = answers.flatMap((answer) => answerProblems(answer, request.bytes));
  if (end === 'late') problems.push('no answer in time');
  const missing = request.methods.length - answers.length;
  const refused = answers.some(({ status }) => status >= 400);
  const lost = end === 'reset' && request.bytes.length > LONG_REQUEST_BYTES;
  if (missing > 0 && end !== 'late' && !request.mayStaySilent && !refused && !lost)
    problems.push(`${end} without an answer`);
  if (end === 'closed' && rest !== '' && !refused) problems.push(`half an answer: ${rest.slice(0, 200)}`);
  return problems;
}

function answerProblems(answer: HttpAnswer, request: Buffer): string[] {
  const { status, method, body, contentType } = answer;
  if (method === 'HEAD') return [];
  if (status >= 400) return errorProblems(answer, request);
  if (status !== 200) return [`status ${status}`];
  try {
    if (contentType.startsWith('text/event-stream')) return streamProblems(body);
    return objectProblems(JSON.parse(body) as Readonly<Record<string, unknown>>);
  } catch (error) {
    return [`unreadable: ${(error as Error).message}`];
  }
}

/** OpenAI's shape, all four keys, and a row of the error table. */
function errorProblems({ status, body, contentType }: HttpAnswer, request: Buffer): string[] {
  const problems: string[] = [];
  const explained = status === 503 && request.includes('120b');
  if (status >= 500 && !explained) problems.push(`unexplained ${status}`);
  if (!contentType.startsWith('application/json')) problems.push(`${status} of type '${contentType}'`);
  try {
    const { error, ...others } = JSON.parse(body) as { error?: unknown };
    if (typeof error !== 'object' || error === null) return [...problems, `${status} in another shape: ${body}`];
    const { message, type, param, code, ...more } = error as Readonly<Record<string, unknown>>;
    const known = Object.values(ERRORS).some((row) => row.status === status && row.type === type && row.code === code);
    if (!known)
      problems.push(`${status} of type ${String(type)} and code ${String(code)} is no row of the error table`);
    if (typeof message !== 'string' || message === '') problems.push(`${status} without a message`);
    if (param !== null && typeof param !== 'string') problems.push(`${status} with param ${JSON.stringify(param)}`);
    const extra = [...Object.keys(others), ...Object.keys(more)];
    if (extra.length > 0) problems.push(`${status} with the keys ${extra.join(', ')}`);
  } catch {
    problems.push(`${status} whose body is no error object: ${body.slice(0, 100)}`);
  }
  return problems;
}

function streamProblems(text: string): string[] {
  const { events, done } = readFrames(text);
  const problems = eventOrderProblems(events);
  if (!done) problems.push('the stream does not end with [DONE]');
  const terminal = events.at(-1);
  return terminal?.type === 'response.failed' ? [...problems, ...failureProblems(terminal)] : problems;
}

function failureProblems({ response }: WireEvent): string[] {
  const { error } = response as { error?: { code?: string; message?: string } };
  return error?.code === 'server_error' ? [`unexplained failure: ${error.message}`] : [];
}

/** A response, or what another route answers: any object. */
function objectProblems(object: Readonly<Record<string, unknown>>): string[] {
  if (object['object'] !== 'response') return [];
  const { id, status, output, usage, output_text: text } = object;
  const problems: string[] = [];
  if (typeof id !== 'string' || !/^resp_[0-9a-f]{48}$/.test(id)) problems.push(`id ${JSON.stringify(id)}`);
  if (status !== 'completed' && status !== 'incomplete') problems.push(`status ${JSON.stringify(status)}`);
  if (!Array.isArray(output) || typeof text !== 'string') problems.push('no output or no output_text');
  const total = (usage as { total_tokens?: unknown } | null)?.total_tokens;
  if (!Number.isInteger(total)) problems.push(`total_tokens ${JSON.stringify(total)}`);
  return problems;
}
