import type { Vocabulary } from '../harmony/vocabulary.ts';
import { MessageOutput } from './message-output.ts';
import type { TurnListener } from './progress.ts';
import { TextOutput } from './text-output.ts';
import { TokenOutput } from './token-output.ts';
import type { TurnOutput } from './turn-output.ts';

/** An output from its first token on, read as its listener wants to hear it. */
export function openOutput(vocabulary: Vocabulary, listener: TurnListener, stop: readonly string[]): TurnOutput {
  switch (listener.hears) {
    case 'messages':
      return new MessageOutput(vocabulary, listener, stop);
    case 'text':
      return new TextOutput(vocabulary, listener, stop);
    case 'tokens':
      return new TokenOutput(vocabulary, listener, stop);
  }
}
