const SHOWN_CHARACTERS = 600;

interface Kind {
  times: number;
  case: string;
  request: string;
}

/** Violations, alike ones together: of each kind the shortest request that shows it is kept. */
export class ProblemList {
  readonly #kinds = new Map<string, Kind>();

  /** `problem` in words, the case it came from, and what was sent; nothing was for what is found between requests. */
  add(problem: string, origin: string, request: Buffer = Buffer.alloc(0)): void {
    const name = problem.replaceAll(/\d{4,}|resp_\w+/g, '…');
    const text = request.toString('latin1');
    const kind = this.#kinds.get(name);
    if (!kind) this.#kinds.set(name, { times: 1, case: origin, request: text });
    else {
      kind.times++;
      if (text.length < kind.request.length) Object.assign(kind, { case: origin, request: text });
    }
  }

  get size(): number {
    return this.#kinds.size;
  }

  /** One entry a kind, the most frequent first. */
  lines(): string[] {
    return [...this.#kinds]
      .toSorted(([, a], [, b]) => b.times - a.times)
      .map(([name, { times, case: origin, request }]) => `${times} x ${name}\n  ${origin}: ${shown(request)}`);
  }
}

/** A request on one line, long repetitions and long rests cut. */
function shown(request: string): string {
  const line = JSON.stringify(request.replaceAll(/(.{1,8}?)\1{20,}/gs, '$1$1…'));
  return line.length > SHOWN_CHARACTERS ? `${line.slice(0, SHOWN_CHARACTERS)}… (${request.length} bytes)` : line;
}
