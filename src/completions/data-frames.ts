import type { CodedError } from '../domain/errors.ts';

/** A stream of `data:` frames as OpenAI's older APIs send it. Frames gather until `flush`, which is one write. */
export class DataFrames {
  #pending = '';
  readonly #write: (frames: string) => void;

  constructor(write: (frames: string) => void) {
    this.#write = write;
  }

  /** `json` is one object, spelled. */
  add(json: string): void {
    this.#pending += `data: ${json}\n\n`;
  }

  flush(): void {
    if (this.#pending === '') return;
    const frames = this.#pending;
    this.#pending = '';
    this.#write(frames);
  }

  /** The end of the stream, after the error that it ends with, where there is one. */
  end(error: CodedError | null): void {
    if (error !== null) this.add(JSON.stringify(error.toBody()));
    this.#pending += 'data: [DONE]\n\n';
    this.flush();
  }
}
