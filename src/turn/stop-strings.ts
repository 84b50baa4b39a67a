/** Finds the first of some strings in a text that comes in pieces, and holds back what may become one. */
export class StopStrings {
  readonly #stops: readonly string[];
  #held = '';
  #isFound = false;

  constructor(stops: readonly string[]) {
    this.#stops = stops;
  }

  /** One of the strings has come: what stood before it is passed on, nothing after it counts. */
  get isFound(): boolean {
    return this.#isFound;
  }

  /** Takes the next piece and returns what can be passed on now, which may be nothing. */
  push(text: string): string {
    if (this.#stops.length === 0) return text;
    const seen = this.#held + text;
    const at = firstOccurrence(seen, this.#stops);
    const end = at ?? seen.length - longestOpenEnd(seen, this.#stops);
    this.#isFound = at !== null;
    this.#held = seen.slice(end);
    return seen.slice(0, end);
  }

  /** The text is over: what was held back has not become a stop string. */
  flush(): string {
    const held = this.#held;
    this.#held = '';
    return held;
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
