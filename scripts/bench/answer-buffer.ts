const HEAD_END = '\r\n\r\n';
/** How every chunked body ends; no JSON and no event holds a carriage return. */
const LAST_CHUNK = Buffer.from('\r\n0\r\n\r\n');
const FIRST_BYTES = 4096;

/** The bytes of one HTTP response as they arrive. Says when it is complete, and only then takes it apart. */
export class AnswerBuffer {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES);
  #length = 0;
  #bodyStart = 0;
  /** -1: chunked. */
  #contentLength = 0;

  /** Forgets everything; the memory is kept for the next answer. */
  reset(): void {
    this.#length = 0;
    this.#bodyStart = 0;
  }

  append(bytes: Buffer, count: number): void {
    if (this.#length + count > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + count));
      this.#bytes.copy(grown, 0, 0, this.#length);
      this.#bytes = grown;
    }
    bytes.copy(this.#bytes, this.#length, 0, count);
    this.#length += count;
    if (this.#bodyStart === 0) this.#readHead();
  }

  get complete(): boolean {
    if (this.#bodyStart === 0) return false;
    if (this.#contentLength >= 0) return this.#length - this.#bodyStart >= this.#contentLength;
    const tail = this.#length - LAST_CHUNK.length;
    return tail >= this.#bodyStart && this.#bytes.compare(LAST_CHUNK, 0, LAST_CHUNK.length, tail, this.#length) === 0;
  }

  /** Whether the body so far holds `mark`. */
  holds(mark: string): boolean {
    const at = this.#bodyStart === 0 ? -1 : this.#bytes.indexOf(mark, this.#bodyStart, 'latin1');
    return at !== -1 && at + mark.length <= this.#length;
  }

  get status(): number {
    return Number(this.#bytes.toString('latin1', 9, 12));
  }

  /** The body of a complete answer, its chunks joined. */
  body(): string {
    if (this.#contentLength >= 0) return this.#bytes.toString('utf8', this.#bodyStart, this.#length);
    const pieces: Buffer[] = [];
    for (let at = this.#bodyStart; ;) {
      const lineEnd = this.#bytes.indexOf('\r\n', at, 'latin1');
      const size = Number.parseInt(this.#bytes.toString('latin1', at, lineEnd), 16);
      if (!(size > 0)) return Buffer.concat(pieces).toString('utf8');
      pieces.push(this.#bytes.subarray(lineEnd + 2, lineEnd + 2 + size));
      at = lineEnd + 2 + size + 2;
    }
  }

  #readHead(): void {
    const end = this.#bytes.subarray(0, this.#length).indexOf(HEAD_END, 0, 'latin1');
    if (end === -1) return;
    this.#bodyStart = end + HEAD_END.length;
    const length = /^content-length: *(\d+)/im.exec(this.#bytes.toString('latin1', 0, end));
    this.#contentLength = length ? Number(length[1]) : -1;
  }
}
