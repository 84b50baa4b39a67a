const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const DATA_PREFIX = 'data:';

/**
 * Cuts a server-sent event stream into the `data` of its events, fed with whatever pieces the socket brings (HTML
 * standard, 9.2.6). It works on bytes and decodes only whole lines, so a character may be cut anywhere; lines may end
 * in LF or CRLF; other fields and comments are dropped. An event counts once its blank line has come.
 */
export class SseFrames {
  #partialLine: Buffer[] = [];
  #data: string | null = null;

  /** Calls `onFrame` for every event that `bytes` completes, in order. `bytes` must not change afterwards. */
  push(bytes: Buffer, onFrame: (data: string) => void): void {
    let start = 0;
    for (let end = bytes.indexOf(LINE_FEED); end !== -1; end = bytes.indexOf(LINE_FEED, start)) {
      this.#takeLine(this.#completeLine(bytes.subarray(start, end)), onFrame);
      start = end + 1;
    }
    if (start < bytes.length) this.#partialLine.push(bytes.subarray(start));
  }

  #completeLine(tail: Buffer): string {
    let line = tail;
    if (this.#partialLine.length > 0) {
      line = Buffer.concat([...this.#partialLine, tail]);
      this.#partialLine = [];
    }
    const end = line.at(-1) === CARRIAGE_RETURN ? line.length - 1 : line.length;
    return line.toString('utf8', 0, end);
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
