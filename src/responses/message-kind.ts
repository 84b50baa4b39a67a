import type { MessageHeader } from '../harmony/header.ts';
import type { OutputPolicy } from './output-policy.ts';

/** What a message of the model is to its client. */
export type MessageKind =
  | { readonly kind: 'reasoning' }
  | { readonly kind: 'message'; readonly phase: 'commentary' | 'final_answer' }
  /** `name` is the client's. */
  | { readonly kind: 'call'; readonly name: string };

/** Of one of the model's own messages: a call, reasoning, or something for the user to read. */
export function messageKind(
  header: MessageHeader,
  { functionNames }: Pick<OutputPolicy, 'functionNames'>,
): MessageKind {
  const name = calledFunction(header, functionNames);
  if (name !== null) return { kind: 'call', name };
  if (header.channel === 'analysis' && header.recipient === null) return REASONING;
  return header.channel === 'commentary' || header.recipient !== null ? PREAMBLE : ANSWER;
}

const REASONING: MessageKind = { kind: 'reasoning' };
const PREAMBLE: MessageKind = { kind: 'message', phase: 'commentary' };
const ANSWER: MessageKind = { kind: 'message', phase: 'final_answer' };

/**
 * The function that a message calls, by its client's name. gpt-oss now and then leaves out `functions.`, or calls from
 * the analysis channel. What was never offered is no call that anybody could answer: it is shown as text.
 */
function calledFunction({ recipient }: MessageHeader, functionNames: ReadonlyMap<string, string>): string | null {
  return recipient === null ? null : (functionNames.get(recipient.replace(/^functions\./, '')) ?? null);
}

/** A model that goes on in somebody else's name has said nothing; a role that does not exist is its own. */
export function isOwnMessage({ role }: MessageHeader): boolean {
  return !['user', 'system', 'developer'].includes(role) && !role.startsWith('functions.');
}
