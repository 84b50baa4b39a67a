import { Type, type TProperties, type TSchema } from 'typebox';
import { nullable } from './nullable.ts';
import { LogprobBody, OutputItemBody, OutputTextBody, ReasoningTextBody, ResponseBody } from './response-bodies.ts';

const Index = Type.Integer({ minimum: 0 });

const event = (types: string[], properties: TProperties): TSchema =>
  Type.Object({ type: Type.Enum(types), sequence_number: Index, ...properties });

const ITEM = { item_id: Type.String(), output_index: Index };
const PART = { ...ITEM, content_index: Index };
const Logprobs = Type.Array(LogprobBody);
const Code = nullable(Type.String());

/** One event of a streamed response: what stands behind `data:`, its `type` behind `event:` too. */
export const ResponseEventBody = Type.Union(
  [
    event(
      ['created', 'in_progress', 'completed', 'incomplete', 'failed'].map((state) => `response.${state}`),
      { response: ResponseBody },
    ),
    event(['response.output_item.added', 'response.output_item.done'], { output_index: Index, item: OutputItemBody }),
    event(['response.content_part.added', 'response.content_part.done'], {
      ...PART,
      part: Type.Union([OutputTextBody, ReasoningTextBody]),
    }),
    event(['response.output_text.delta'], { ...PART, delta: Type.String(), logprobs: Logprobs }),
    event(['response.output_text.done'], { ...PART, text: Type.String(), logprobs: Logprobs }),
    event(['response.reasoning_text.delta'], { ...PART, delta: Type.String() }),
    event(['response.reasoning_text.done'], { ...PART, text: Type.String() }),
    event(['response.function_call_arguments.delta'], { ...ITEM, delta: Type.String() }),
    event(['response.function_call_arguments.done'], { ...ITEM, name: Type.String(), arguments: Type.String() }),
    event(['error'], {
      error: Type.Object({ type: Type.String(), code: Code, message: Type.String(), param: Code }),
      code: Code,
      message: Type.String(),
      param: Code,
    }),
  ],
  {
    description:
      'Sequence numbers go 0, 1, 2, … Exactly one of `response.completed`, `response.incomplete` and `response.failed` ' +
      'ends a stream, and `data: [DONE]` follows it. Comments (lines that begin with a colon) keep it alive.',
  },
);
