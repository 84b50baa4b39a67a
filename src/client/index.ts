/** The client library, `./client` of the package. */
export { APIError } from 'openai';
export { LMError, type LMErrorCode } from './errors.ts';
export { LM, type RespondArguments } from './lm.ts';
export { LMStream, type LMStreamEvent } from './lm-stream.ts';
export { toolResult } from './messages.ts';
export type { LMAssistantMessage, LMFunctionCall, LMInput, LMMessage, LMToolMessage } from './messages.ts';
export type { GenerationOptions, LMOptions, LMTool, LMToolChoice, RespondOptions } from './options.ts';
export type { ApiType, LMDelta, LMResult, LMToolCall, LMUsage, TokenAnswer } from './result.ts';
export type { ResponseFormat, SchemaSource } from './structured-output.ts';
