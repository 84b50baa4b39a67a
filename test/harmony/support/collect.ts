import type { MessageEnd, MessageHeader, ParserSink } from '../../../src/harmony/parse.ts';

/** One call of a sink. */
export type SinkCall = { readonly start: MessageHeader } | { readonly text: string } | { readonly end: MessageEnd };

/** A sink that remembers what it heard, in order. */
export function recordingSink(): ParserSink & { readonly calls: SinkCall[] } {
  const calls: SinkCall[] = [];
  return {
    calls,
    onMessageStart: (start) => calls.push({ start }),
    onText: (text) => calls.push({ text }),
    onMessageEnd: (end) => calls.push({ end }),
  };
}

export interface CollectedMessage extends MessageHeader {
  readonly text: string;
  readonly how: MessageEnd['how'];
}

/** The messages in the calls; throws when the calls are not start, texts and end, again and again. */
export function collectMessages(calls: readonly SinkCall[]): CollectedMessage[] {
  const messages: CollectedMessage[] = [];
  let open: { header: MessageHeader; text: string } | null = null;
  for (const call of calls) {
    if ('start' in call) {
      if (open !== null) throw new Error('a message starts within a message');
      open = { header: call.start, text: '' };
    } else if (open === null) {
      throw new Error(`outside a message: ${JSON.stringify(call)}`);
    } else if ('text' in call) {
      if (call.text === '') throw new Error('an empty text');
      open.text += call.text;
    } else {
      messages.push({ ...open.header, text: open.text, how: call.end.how });
      open = null;
    }
  }
  if (open !== null) throw new Error('the last message has no end');
  return messages;
}
