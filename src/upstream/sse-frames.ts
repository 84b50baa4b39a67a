const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const DATA_PREFIX = 'data:';
/** Fifty times the longest frame of an engine, which repeats a prompt of 131,072 ids: what goes on beyond has no end. */
const MAX_EVENT_BYTES = 64 * 1024 * 1024;

/**
 * Cuts a server-sent event stream into the `data` of its events, fed with whatever pieces the socket brings (HTML
 * standard, 9.2.6). It works on bytes and decodes only whole lines, so a character may be cut anywhere; lines may end
 * in LF or CRLF; other fields and comments are dropped. An event counts once its blank line has come.
 */
export class SseFrames {
  #partialLine: Buffer[] = [];
  #partialBytes = 0;
  #data: string | null = null;

  /** Whether the next byte begins an event: nothing of one is waiting for its rest. */
  get isBetweenEvents(): boolean {
    return this.#data === null && this.#partialLine.length === 0;
  }

  /** The event that is waiting for its rest is longer than any that makes sense: nothing after it should be read. */
  get isTooLong(): boolean {
    return this.#partialBytes + (this.#data?.length ?? 0) > MAX_EVENT_BYTES;
  }

  /** Calls `onFrame` for every event that `bytes` from `start` to `end` complete, in order; keeps none of `bytes`. */
  push(bytes: Buffer, onFrame: (data: string) => void, start = 0, end = bytes.length): void {
    let lineStart = start;
    for (let at = lineEnd(bytes, start, end); at !== -1; at = lineEnd(bytes, lineStart, end)) {
      this.#takeLine(this.#completeLine(bytes, lineStart, at), onFrame);
      lineStart = at + 1;
    }
    if (lineStart === end) return;
    this.#partialLine.push(Buffer.from(bytes.subarray(lineStart, end)));
    this.#partialBytes += end - lineStart;
  }

  #completeLine(bytes: Buffer, start: number, end: number): string {
    if (this.#partialLine.length === 0) return decodeLine(bytes, start, end);
    const line = Buffer.concat([...this.#partialLine, bytes.subarray(start, end)]);
    this.#partialLine = [];
    this.#partialBytes = 0;
    return decodeLine(line, 0, line.length);
  }

  #takeLine(line: string, onFrame: (data: string) => void): void {
    if (line.startsWith(DATA_PREFIX)) {
      const value = line.slice(line[DATA_PREFIX.length] === ' ' ? DATA_PREFIX.length + 1 : DATA_PREFIX.length);
      this.#data = this.#data === null ? value : `${this.#data}\n${value}`;
    } else if (line === '' && this.#data !== null) {
      const data = this.#data;
      this.#data = null;
      onFrame(data);
    }
  }
}

/** Where the line that begins at `start` ends, or -1 when that is not before `end`. */
function lineEnd(bytes: Buffer, start: number, end: number): number {
  const at = bytes.indexOf(LINE_FEED, start);
  return at < end ? at : -1;
}

const decodeLine = (bytes: Buffer, start: number, end: number): string =>
  bytes.toString('utf8', start, end > start && bytes[end - 1] === CARRIAGE_RETURN ? end - 1 : end);
