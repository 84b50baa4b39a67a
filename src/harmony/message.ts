/** How much the model is to think. gpt-oss was trained on these three words and no others. */
export type Effort = 'low' | 'medium' | 'high';

/** Who the model is, what day it is, and how to work: always the first message, and the gateway's own. */
export interface SystemMessage {
  readonly role: 'system';
  readonly effort: Effort;
  /** `YYYY-MM-DD`, UTC; null leaves the line out. */
  readonly date: string | null;
  /** Adds the line that sends calls of functions to the commentary channel. */
  readonly hasFunctionTools: boolean;
  /** Default `You are ChatGPT, a large language model trained by OpenAI.` */
  readonly identity?: string;
  /** Default `2024-06`. */
  readonly knowledgeCutoff?: string;
}

/** A JSON schema, as far as rendering cares: any object. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** A function that the model is offered. */
export interface FunctionTool {
  /** Letters, digits, `_` and `-`; `function-name.ts` spells other names so. */
  readonly name: string;
  readonly description: string | null;
  /** What `inlineSchema` cannot inline is shown as `any`. Null: it takes no arguments. */
  readonly parameters: JsonSchema | null;
}

/** What the answer is to look like: a hint in the prompt, held by a grammar apart from it. */
export interface ResponseFormat {
  readonly name: string;
  readonly description: string | null;
  readonly schema: JsonSchema;
}

/** What the developer asks for. */
export interface DeveloperMessage {
  readonly role: 'developer';
  /** The text under `# Instructions`; null leaves the section out, an empty text keeps its heading. */
  readonly instructions: string | null;
  /** Rendered as TypeScript under `# Tools`. */
  readonly tools?: readonly FunctionTool[];
  /** Rendered under `# Response Formats`. */
  readonly responseFormat?: ResponseFormat;
}

export interface UserMessage {
  readonly role: 'user';
  readonly text: string;
}

/** Ids of an own message as the model generated them, see `AssistantMessage.tokenIds`. */
interface Replayed {
  /**
   * The ids after `<|start|>assistant` and before the token that ended the message, header included, as `MessageEnd`
   * gives them. Where they are present the message is replayed by them and its other fields are not rendered, so that
   * the prompt of a follow-up continues what the engine has already seen.
   */
  readonly tokenIds?: readonly number[];
}

/** What the model said: `analysis` is its reasoning, `commentary` a preamble before a call, `final` the answer. */
export interface AssistantMessage extends Replayed {
  readonly role: 'assistant';
  readonly channel: 'analysis' | 'commentary' | 'final';
  readonly text: string;
}

/** A call that the model made. */
export interface AssistantCall extends Replayed {
  readonly role: 'assistant';
  readonly channel: 'call';
  /** The function's name, without `functions.`. */
  readonly name: string;
  /** JSON text as the model wrote it. */
  readonly arguments: string;
}

/** What a function gave back. */
export interface ToolResult {
  readonly role: 'tool';
  /** The function's name, without `functions.`. */
  readonly name: string;
  readonly output: string;
}

/** One message of a conversation with gpt-oss. */
export type HarmonyMessage =
  SystemMessage | DeveloperMessage | UserMessage | AssistantMessage | AssistantCall | ToolResult;
