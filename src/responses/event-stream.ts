import type { DeltaEventType, ResponseEvent } from '../protocol/events.ts';
import type { TokenLogprob } from '../protocol/responses.ts';

/** Where the frames of a stream go; one call is meant to be one write. */
export type WriteFrames = (frames: string) => void;

/**
 * Numbers and spells the events of one response as server-sent events. Frames gather until `flush`, so that whatever
 * one read from the engine brought leaves in one write.
 */
export class EventStream {
  #nextSequenceNumber = 0;
  #pending = '';
  readonly #write: WriteFrames;

  constructor(write: WriteFrames) {
    this.#write = write;
  }

  event(event: ResponseEvent): void {
    const data = JSON.stringify({ ...event, sequence_number: this.#nextSequenceNumber++ });
    this.#pending += `event: ${event.type}\ndata: ${data}\n\n`;
  }

  /** A delta of the part that `head` (from `deltaHead`) belongs to; only the answer's has log probabilities. */
  delta(head: DeltaHead, text: string, logprobs: readonly TokenLogprob[] | null = null): void {
    const after = logprobs === null ? head.after : `,"logprobs":${JSON.stringify(logprobs)}}\n\n`;
    this.#pending += `${head.before}${this.#nextSequenceNumber++},"delta":${JSON.stringify(text)}${after}`;
  }

  flush(): void {
    if (this.#pending === '') return;
    const frames = this.#pending;
    this.#pending = '';
    this.#write(frames);
  }

  /** The end of the stream: what is pending and the sentinel that Open Responses asks for and every client skips. */
  end(): void {
    this.#pending += 'data: [DONE]\n\n';
    this.flush();
  }
}

/** The constant text around each delta of one part, spelled once per part and not once per token. */
export interface DeltaHead {
  readonly before: string;
  readonly after: string;
}

/** `position` says which item and part, as the contract has it for this type of delta. */
export function deltaHead(type: DeltaEventType, position: Readonly<Record<string, string | number>>): DeltaHead {
  return {
    before: `event: ${type}\ndata: {"type":"${type}",${JSON.stringify(position).slice(1, -1)},"sequence_number":`,
    after: type === 'response.output_text.delta' ? ',"logprobs":[]}\n\n' : '}\n\n',
  };
}
