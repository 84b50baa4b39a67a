import { toFunctionName } from '../harmony/function-name.ts';
import type { DeveloperMessage, FunctionTool, HarmonyMessage } from '../harmony/message.ts';
import type { CallRule, OutputRule } from '../harmony/structural-tag.ts';
import { EFFORTS } from '../protocol/effort.ts';
import { LMError } from './errors.ts';
import type { LMAssistantMessage, LMMessage } from './messages.ts';
import type { ModelCall } from './model-api.ts';
import type { LMTool, LMToolChoice } from './options.ts';

/** The name of the function that a call was for, by the call's id; null for an id that no call has. */
export type FindCall = (callId: string) => string | null;

/** Messages as gpt-oss knows them. Throws an `LMError` for the result of a call that nobody made. */
export function toHarmony(messages: readonly LMMessage[], findCall: FindCall): HarmonyMessage[] {
  const calls = messages.flatMap((message) => (message.role === 'assistant' ? (message.tool_calls ?? []) : []));
  const names = new Map(calls.map(({ id, function: { name } }) => [id, name]));
  return messages.flatMap((message) => messageToHarmony(message, (callId) => names.get(callId) ?? findCall(callId)));
}

function messageToHarmony(message: LMMessage, findCall: FindCall): HarmonyMessage[] {
  switch (message.role) {
    case 'system':
    case 'developer':
      return [{ role: 'developer', instructions: message.content }];
    case 'user':
      return [{ role: 'user', text: message.content }];
    case 'assistant':
      return assistantToHarmony(message);
    case 'tool': {
      const name = findCall(message.tool_call_id);
      if (name !== null) return [{ role: 'tool', name: toFunctionName(name), output: message.content }];
      const reason = `There is no call ${JSON.stringify(message.tool_call_id)} that the result of a tool could be for.`;
      throw new LMError('invalid_options', reason);
    }
  }
}

/** What is said beside a call is a preamble of it. */
function assistantToHarmony({ content, reasoning, tool_calls: calls = [] }: LMAssistantMessage): HarmonyMessage[] {
  const channel = calls.length === 0 ? 'final' : 'commentary';
  return [
    ...(reasoning ? [{ role: 'assistant', channel: 'analysis', text: reasoning } as const] : []),
    ...(content ? [{ role: 'assistant', channel, text: content } as const] : []),
    ...calls.map(({ function: { name, arguments: text } }): HarmonyMessage => {
      return { role: 'assistant', channel: 'call', name: toFunctionName(name), arguments: text };
    }),
  ];
}

/**
 * A conversation with what stands in front of it: the system message, and one developer message of the leading
 * instructions, the tools and the format.
 */
export function withPreface(messages: readonly HarmonyMessage[], call: ModelCall, date: string): HarmonyMessage[] {
  const { generation, format } = call;
  const isGuidance = (message: HarmonyMessage): message is DeveloperMessage => message.role === 'developer';
  const firstTurn = messages.findIndex((message) => !isGuidance(message));
  const front = firstTurn === -1 ? messages.length : firstTurn;
  const guidance = messages.slice(0, front).filter(isGuidance);
  const instructions = guidance.map((message) => message.instructions).join('\n\n');
  const tools = (generation.tools ?? []).map(toFunctionTool);
  const developer: DeveloperMessage = {
    role: 'developer',
    instructions: guidance.length === 0 ? null : instructions,
    tools,
    ...(format === null ? {} : { responseFormat: format }),
  };
  const isEmpty = guidance.length === 0 && tools.length === 0 && format === null;
  const effort = EFFORTS[generation.reasoningEffort ?? 'medium'];
  return [
    { role: 'system', effort, date, hasFunctionTools: tools.length > 0 },
    ...(isEmpty ? [] : [developer]),
    ...messages.slice(front),
  ];
}

const toFunctionTool = ({ name, description, parameters }: LMTool): FunctionTool => ({
  name: toFunctionName(name),
  description: description ?? null,
  parameters: parameters ?? null,
});

/** What the output must hold; null when it may be anything. Throws an `LMError` for a choice of a tool that is none. */
export function wantedRule({ generation, format }: ModelCall): OutputRule | null {
  const { tools = [], toolChoice = 'auto' } = generation;
  const calls = allowedTools(tools, toolChoice).map(toCallRule);
  if (toolChoice === 'required' || typeof toolChoice !== 'string') {
    return { maxReasoningTokens: null, calls, answer: null };
  }
  if (format !== null) return { maxReasoningTokens: null, calls, answer: { kind: 'json', schema: format.schema } };
  const isFree = toolChoice === 'none' ? tools.length === 0 : !tools.some(({ strict }) => strict);
  return isFree ? null : { maxReasoningTokens: null, calls, answer: { kind: 'text' } };
}

function allowedTools(tools: readonly LMTool[], choice: LMToolChoice): readonly LMTool[] {
  if (choice === 'none') return [];
  const allowed = typeof choice === 'string' ? tools : tools.filter(({ name }) => name === choice.name);
  if (allowed.length > 0 || choice === 'auto') return allowed;
  const wanted = choice === 'required' ? 'is "required"' : `names ${JSON.stringify(choice.name)}`;
  throw new LMError('invalid_options', `toolChoice ${wanted}, but tools has no such function.`);
}

/** No grammar holds every schema: only where the caller insists on it is it asked to. */
const toCallRule = ({ name, parameters, strict }: LMTool): CallRule => ({
  name: toFunctionName(name),
  schema: strict === true && parameters !== undefined ? parameters : { type: 'object' },
});
