import { toFunctionName } from '../harmony/function-name.ts';
import type { Effort, FunctionTool, HarmonyMessage, ResponseFormat } from '../harmony/message.ts';
import type { ItemContent } from './input.ts';

/** What a conversation needs of an item: what it says, and how the engine spelled it if it did. */
export type ConversationItem = ItemContent & { readonly tokenIds: readonly number[] | null };

/** What stands in front of a conversation. */
export interface Preface {
  readonly instructions: string | null;
  readonly effort: Effort;
  /** `YYYY-MM-DD`, UTC. */
  readonly date: string;
  readonly tools: readonly FunctionTool[];
  readonly responseFormat: ResponseFormat | null;
}

/**
 * The context as harmony messages. One developer message stands in front, of `instructions` and then the leading
 * system and developer items, with tools and format; later ones stay in their place.
 */
export function toHarmony(items: readonly ConversationItem[], preface: Preface): HarmonyMessage[] {
  const firstTurn = items.findIndex((item) => !isGuidance(item));
  const front = firstTurn === -1 ? items.length : firstTurn;
  const leading = items.slice(0, front).flatMap((item) => (isGuidance(item) ? item.text : []));
  const callNames = new Map(items.flatMap((item) => (item.kind === 'call' ? [[item.callId, item.name] as const] : [])));
  return [
    { role: 'system', effort: preface.effort, date: preface.date, hasFunctionTools: preface.tools.length > 0 },
    ...developerMessage(leading, preface),
    ...items.slice(front).flatMap((item) => itemToHarmony(item, callNames)),
  ];
}

const isGuidance = (item: ConversationItem): item is ConversationItem & { kind: 'message' } =>
  item.kind === 'message' && item.role !== 'user';

function developerMessage(leading: readonly string[], preface: Preface): HarmonyMessage[] {
  const guidance = preface.instructions === null ? leading : [preface.instructions, ...leading];
  if (guidance.length === 0 && preface.tools.length === 0 && preface.responseFormat === null) return [];
  return [
    {
      role: 'developer',
      instructions: guidance.length === 0 ? null : guidance.join('\n\n'),
      tools: preface.tools,
      ...(preface.responseFormat === null ? {} : { responseFormat: preface.responseFormat }),
    },
  ];
}

/** Reasoning whose text nobody has is nothing to show. Own output goes back as the ids that it was. */
function itemToHarmony(item: ConversationItem, callNames: ReadonlyMap<string, string>): HarmonyMessage[] {
  const replay = item.tokenIds === null ? {} : { tokenIds: item.tokenIds };
  switch (item.kind) {
    case 'message':
      return [
        item.role === 'user' ? { role: 'user', text: item.text } : { role: 'developer', instructions: item.text },
      ];
    case 'assistant': {
      const channel = item.phase === 'commentary' ? 'commentary' : 'final';
      return [{ role: 'assistant', channel, text: item.text, ...replay }];
    }
    case 'reasoning':
      if (item.text === '' && item.tokenIds === null) return [];
      return [{ role: 'assistant', channel: 'analysis', text: item.text, ...replay }];
    case 'call': {
      const name = toFunctionName(item.name);
      return [{ role: 'assistant', channel: 'call', name, arguments: item.arguments, ...replay }];
    }
    case 'call_output':
      return [{ role: 'tool', name: toFunctionName(callNames.get(item.callId) ?? ''), output: item.output }];
  }
}
