import type { CodedError } from '../domain/errors.ts';
import type { CompletionUsage } from '../protocol/chat.ts';
import type { TurnEnd } from '../turn/run-turn.ts';
import { reword, type Wording } from './reword.ts';
import { completionUsage } from './usage.ts';

/** How a turn ended whose output nothing is read from. */
export interface RawEnd {
  readonly usage: CompletionUsage;
  readonly finishReason: 'stop' | 'length';
  /** What the client is to get instead of the end, in the words of its API. */
  readonly error: CodedError | null;
}

export const rawEnd = (end: Exclude<TurnEnd, { kind: 'aborted' }>, wording: Wording): RawEnd => ({
  usage: completionUsage(end.usage, null),
  finishReason: end.kind === 'incomplete' ? 'length' : 'stop',
  error: end.kind === 'failed' ? reword(end.error, wording) : null,
});
