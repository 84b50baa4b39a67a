/**
 * The JSON of a frame that brings one token and nothing else, key for key as vLLM 0.32 spells it on
 * `/inference/v1/generate`: nearly all of them.
 */
const PLAIN_TOKEN =
  /^\{"request_id":"[\w-]*","usage":null,"output_mode":"tokens","choices":\[\{"index":0,"finish_reason":null,"stop_reason":null,"token_ids":\[(\d{1,6})\],"routed_experts":null,"sampling_mask":null,"weight_versions":null,"logprobs":null\}\]\}$/;
const BEFORE_ID = '"token_ids":[';
const LINE_START = 'data: ';
const EVENT_END = '\n\n';
const MAX_ID_DIGITS = 6;
const ZERO = 48;
const NINE = 57;
const EMPTY = Buffer.alloc(0);

/**
 * Knows how the frames of one stream that bring one token look. All around the id is the same from frame to frame, so it
 * is compared with the frame before, as bytes, and nothing has to be decoded or parsed.
 */
export class TokenFrame {
  #beforeId: Buffer = EMPTY;
  #afterId: Buffer = EMPTY;
  /** Where the frame ends that `read` found last. */
  end = 0;

  /** The id in a frame's JSON when it brings one token and nothing else, and null otherwise. Learns how it is spelled. */
  learn(data: string): number | null {
    const id = PLAIN_TOKEN.exec(data)?.[1];
    if (id === undefined) return null;
    if (this.#beforeId.length === 0) {
      const idAt = data.indexOf(BEFORE_ID) + BEFORE_ID.length;
      this.#beforeId = Buffer.from(LINE_START + data.slice(0, idAt));
      this.#afterId = Buffer.from(data.slice(idAt + id.length) + EVENT_END);
    }
    return Number(id);
  }

  /** The id in the frame that begins at `start` and ends before `end`, or null when it is no such frame, or not whole. */
  read(bytes: Buffer, start: number, end: number): number | null {
    const before = this.#beforeId;
    const after = this.#afterId;
    const idAt = start + before.length;
    if (before.length === 0 || idAt + after.length >= end || !holds(bytes, start, before)) return null;
    let at = idAt;
    let id = 0;
    for (let byte = bytes[at]; byte !== undefined && byte >= ZERO && byte <= NINE; byte = bytes[++at]) {
      id = id * 10 + byte - ZERO;
    }
    if (at === idAt || at - idAt > MAX_ID_DIGITS || at + after.length > end || !holds(bytes, at, after)) return null;
    this.end = at + after.length;
    return id;
  }
}

/** Whether `part` stands in `bytes` at `start`. */
const holds = (bytes: Buffer, start: number, part: Buffer): boolean =>
  bytes.compare(part, 0, part.length, start, start + part.length) === 0;
