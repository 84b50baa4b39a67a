import { DataFrames } from '../completions/data-frames.ts';
import type { CodedError } from '../domain/errors.ts';
import type { ChatCompletion, ChatFinishReason, ChatLogprobs, CompletionUsage } from '../protocol/chat.ts';
import type { TokenLogprob } from '../protocol/responses.ts';

/** What every chunk of a completion, and the whole one, begins with. */
export type ChatHead = Pick<ChatCompletion, 'id' | 'created' | 'model' | 'system_fingerprint' | 'service_tier'>;

/** The two fields of a chat message that hold text. */
export type TextPlace = 'content' | 'reasoning';

/** The constant text around the deltas of one place, spelled once and not once per token. */
interface DeltaHead {
  readonly before: string;
  readonly after: string;
}

/** Spells one completion as chunks. What one read of the engine brought leaves in one write, at `flush`. */
export class ChatChunks {
  readonly #frames: DataFrames;
  readonly #includesUsage: boolean;
  readonly #head: string;
  readonly #deltas: Readonly<Record<TextPlace, DeltaHead>>;

  constructor(head: ChatHead, includesUsage: boolean, write: (frames: string) => void) {
    this.#frames = new DataFrames(write);
    this.#includesUsage = includesUsage;
    this.#head = JSON.stringify({ ...head, object: 'chat.completion.chunk' }).slice(0, -1);
    this.#deltas = { content: this.#deltaHead('content'), reasoning: this.#deltaHead('reasoning') };
  }

  role(): void {
    this.#chunk({ role: 'assistant', content: '', refusal: null }, null);
  }

  text(place: TextPlace, text: string): void {
    const { before, after } = this.#deltas[place];
    this.#frames.add(before + JSON.stringify(text) + after);
  }

  textWithLogprobs(content: string, logprobs: readonly TokenLogprob[]): void {
    this.#chunk({ content }, null, { content: [...logprobs], refusal: null });
  }

  callStart(index: number, id: string, name: string): void {
    this.#chunk({ tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] }, null);
  }

  callArguments(index: number, text: string): void {
    this.#chunk({ tool_calls: [{ index, function: { arguments: text } }] }, null);
  }

  finish(reason: ChatFinishReason): void {
    this.#chunk({}, reason);
  }

  /** The last chunk, which has no choice; nothing where the usage was not asked for. */
  usage(usage: CompletionUsage): void {
    if (this.#includesUsage) this.#frames.add(`${this.#head},"choices":[],"usage":${JSON.stringify(usage)}}`);
  }

  flush(): void {
    this.#frames.flush();
  }

  end(error: CodedError | null): void {
    this.#frames.end(error);
  }

  #chunk(delta: object, finishReason: ChatFinishReason | null, logprobs: ChatLogprobs | null = null): void {
    const choice = { index: 0, delta, logprobs, finish_reason: finishReason };
    this.#frames.add(`${this.#head},"choices":[${JSON.stringify(choice)}]${this.#tail}`);
  }

  #deltaHead(place: TextPlace): DeltaHead {
    return {
      before: `${this.#head},"choices":[{"index":0,"delta":{"${place}":`,
      after: `},"logprobs":null,"finish_reason":null}]${this.#tail}`,
    };
  }

  get #tail(): string {
    return this.#includesUsage ? ',"usage":null}' : '}';
  }
}
