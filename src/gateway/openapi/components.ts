import { Type, type TSchema } from 'typebox';
import { AnswerOfOrder, EngineReportBody, ReloadReportBody, StatusReportBody } from './admin-bodies.ts';
import {
  ChatChunkBody,
  ChatCompletionBody,
  CompletionBody,
  CompletionChunkBody,
  GenerationBody,
  GenerationChunkBody,
} from './completion-bodies.ts';
import { DeletedResponseBody, InputItemsBody, ResponseBody } from './response-bodies.ts';
import { ResponseEventBody } from './response-events.ts';
import { ModelBody, ModelListBody } from './model-bodies.ts';

const ErrorBody = Type.Object({
  error: Type.Object({
    message: Type.String({ description: 'What is wrong, and what to do.' }),
    type: Type.Enum(['invalid_request_error', 'server_error', 'rate_limit_error']),
    param: Type.Union([Type.String(), Type.Null()], { description: 'The field at fault, as a path.' }),
    code: Type.Union([Type.String(), Type.Null()]),
  }),
});

/** The bodies that several operations answer, by the names that they have under `#/components/schemas`. */
export const COMPONENTS = {
  Error: ErrorBody,
  Response: ResponseBody,
  ResponseStreamEvent: ResponseEventBody,
  DeletedResponse: DeletedResponseBody,
  InputItems: InputItemsBody,
  ChatCompletion: ChatCompletionBody,
  ChatCompletionChunk: ChatChunkBody,
  Completion: CompletionBody,
  CompletionChunk: CompletionChunkBody,
  Generation: GenerationBody,
  GenerationChunk: GenerationChunkBody,
  Model: ModelBody,
  ModelList: ModelListBody,
  Status: StatusReportBody,
  Engine: EngineReportBody,
  EngineOrder: AnswerOfOrder,
  Reload: ReloadReportBody,
} satisfies Record<string, TSchema>;

export const ref = (name: keyof typeof COMPONENTS): TSchema => Type.Unsafe({ $ref: `#/components/schemas/${name}` });
