import type { MessageEnd, MessageHeader, ParserSink } from '../harmony/parse.ts';

/**
 * Ends the answer before the first of some strings. Stands between parser and listener, looks at the final channel
 * only (a stop string in the reasoning or in a call means nothing), and holds back what may become a stop string.
 * Once `stopped`, the message has been ended and nothing more is passed on.
 */
export class StopStrings implements ParserSink {
  readonly #listener: ParserSink;
  readonly #stops: readonly string[];
  #inAnswer = false;
  #held = '';
  stopped = false;

  constructor(listener: ParserSink, stops: readonly string[]) {
    this.#listener = listener;
    this.#stops = stops;
  }

  onMessageStart(header: MessageHeader): void {
    if (this.stopped) return;
    this.#inAnswer = header.channel === 'final' || header.channel === null;
    this.#listener.onMessageStart(header);
  }

  onText(text: string): void {
    if (this.stopped) return;
    if (!this.#inAnswer) return this.#listener.onText(text);
    const seen = this.#held + text;
    const at = firstOccurrence(seen, this.#stops);
    const end = at ?? seen.length - longestOpenEnd(seen, this.#stops);
    this.#held = seen.slice(end);
    if (end > 0) this.#listener.onText(seen.slice(0, end));
    if (at === null) return;
    this.stopped = true;
    // How many tokens the kept text took is not known once it is cut, and only reasoning is counted by them.
    this.#listener.onMessageEnd({ how: 'return', contentTokens: 0, tokenIds: null });
  }

  onMessageEnd(end: MessageEnd): void {
    if (this.stopped) return;
    if (this.#held !== '') this.#listener.onText(this.#held);
    this.#held = '';
    this.#listener.onMessageEnd(end);
  }
}

function firstOccurrence(text: string, stops: readonly string[]): number | null {
  const found = stops.map((stop) => text.indexOf(stop)).filter((at) => at !== -1);
  return found.length === 0 ? null : Math.min(...found);
}

/** Length of the longest end of `text` that a stop string begins with. */
function longestOpenEnd(text: string, stops: readonly string[]): number {
  const longest = Math.min(text.length, Math.max(...stops.map((stop) => stop.length)) - 1);
  for (let length = longest; length > 0; length--) {
    const end = text.slice(-length);
    if (stops.some((stop) => stop.startsWith(end))) return length;
  }
  return 0;
}
