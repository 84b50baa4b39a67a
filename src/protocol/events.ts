import type { OutputItem, OutputText, ReasoningText, ResponseObject, TokenLogprob } from './responses.ts';

interface PartPosition {
  readonly item_id: string;
  readonly output_index: number;
  readonly content_index: number;
}

/** The terminal events: exactly one ends every stream, and nothing but `[DONE]` follows it. */
export type TerminalEventType = 'response.completed' | 'response.incomplete' | 'response.failed';

/** A stream event without its `sequence_number`, which the writer of the stream gives (0, 1, 2, … without gaps). */
export type ResponseEvent =
  | {
      readonly type: 'response.created' | 'response.in_progress' | TerminalEventType;
      readonly response: ResponseObject;
    }
  | {
      readonly type: 'response.output_item.added' | 'response.output_item.done';
      readonly output_index: number;
      readonly item: OutputItem;
    }
  | (PartPosition & {
      readonly type: 'response.content_part.added' | 'response.content_part.done';
      readonly part: OutputText | ReasoningText;
    })
  | (PartPosition & {
      readonly type: 'response.output_text.done';
      readonly text: string;
      readonly logprobs: readonly TokenLogprob[];
    })
  | (PartPosition & { readonly type: 'response.reasoning_text.done'; readonly text: string })
  | {
      readonly type: 'response.function_call_arguments.done';
      readonly item_id: string;
      readonly output_index: number;
      readonly name: string;
      readonly arguments: string;
    }
  | {
      readonly type: 'error';
      /** Nested as OpenAI sends it, and flat beside it as its types say: every known reader is satisfied. */
      readonly error: {
        readonly type: string;
        readonly code: string | null;
        readonly message: string;
        readonly param: string | null;
      };
      readonly code: string | null;
      readonly message: string;
      readonly param: string | null;
    };

export type DeltaEventType =
  'response.output_text.delta' | 'response.reasoning_text.delta' | 'response.function_call_arguments.delta';
