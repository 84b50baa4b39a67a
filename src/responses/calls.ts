import { CodedError } from '../domain/errors.ts';
import type { ItemContent } from './input.ts';

/** Throws a `CodedError` unless every output answers a call before it and every call of the context is answered. */
export function checkCalls(items: readonly ItemContent[]): void {
  const open = new Set<string>();
  const known = new Set<string>();
  for (const item of items) {
    if (item.kind === 'call') {
      if (known.has(item.callId)) throw unmatched(`There are two function calls with call_id ${item.callId}.`);
      known.add(item.callId);
      open.add(item.callId);
    } else if (item.kind === 'call_output') {
      if (!known.has(item.callId)) {
        throw unmatched(`No tool call found for function call output with call_id ${item.callId}.`);
      }
      open.delete(item.callId);
    }
  }
  const [unanswered] = open;
  if (unanswered !== undefined) throw unmatched(`No tool output found for function call ${unanswered}.`);
}

const unmatched = (message: string): CodedError => new CodedError('unmatched_call', message, { param: 'input' });
