import { encodeAll } from '../../src/harmony/encode.ts';
import type { HarmonyMessage } from '../../src/harmony/message.ts';
import { parseConversation, type ParsedMessage } from '../../src/harmony/parse.ts';
import { renderConversation } from '../../src/harmony/render.ts';
import { TOKENS } from '../../src/harmony/tokens.ts';
import { vocabulary } from './vocabulary.ts';
import type { ExpectedAnswer, WorldCase } from './world-cases.ts';

const weatherTool = (argument: string): string =>
  '# Tools\n\n## functions\n\nnamespace functions {\n\n// Get the current weather for a city.\n' +
  `type get_weather = (_: {\n${argument}: string,\n}) => any;\n\n} // namespace functions`;

/** What a conversation with the world begins with. */
export function opening({
  effort = 'medium',
  instructions,
  weatherArgument,
}: Partial<WorldCase> = {}): HarmonyMessage[] {
  const hasFunctionTools = weatherArgument !== undefined;
  const system: HarmonyMessage = { role: 'system', effort, date: '2026-03-14', hasFunctionTools };
  const tools = weatherArgument === undefined ? [] : [weatherTool(weatherArgument)];
  const parts = [instructions ?? (hasFunctionTools ? 'You are a helpful assistant.' : []), ...tools].flat();
  return parts.length === 0 ? [system] : [system, { role: 'developer', instructions: parts.join('\n\n') }];
}

/** The prompt of a conversation. */
export const promptOf = (messages: readonly HarmonyMessage[]): number[] =>
  encodeAll(vocabulary, renderConversation(messages));

/** The prompt of one question in a conversation of its own. */
export const questionPrompt = (question: string): number[] =>
  promptOf([...opening(), { role: 'user', text: question }]);

/** The messages in what an engine generated. */
export const readOutput = (tokenIds: readonly number[]): ParsedMessage[] =>
  parseConversation(vocabulary, [TOKENS.start, ...promptOf([]).slice(1), ...tokenIds]);

export interface WorldAnswer {
  readonly expected: ExpectedAnswer;
  readonly reasoning: string | null;
}

/** Plays a case against `generate`, which takes a prompt and gives what the engine generated, greedily. */
export async function playWorldCase(
  worldCase: WorldCase,
  generate: (promptTokenIds: readonly number[]) => Promise<readonly number[]>,
): Promise<WorldAnswer> {
  const messages = opening(worldCase);
  let answer: WorldAnswer = { expected: { text: '' }, reasoning: null };
  for (const question of worldCase.questions) {
    messages.push({ role: 'user', text: question });
    answer = readAnswer(await generate(promptOf(messages)));
    const { expected } = answer;
    if ('text' in expected) messages.push({ role: 'assistant', channel: 'final', text: expected.text });
    else if (worldCase.weatherResult !== undefined) {
      messages.push({ role: 'assistant', channel: 'call', name: 'get_weather', arguments: expected.call });
      messages.push({ role: 'tool', name: 'get_weather', output: worldCase.weatherResult });
      answer = readAnswer(await generate(promptOf(messages)));
    }
  }
  return answer;
}

function readAnswer(tokenIds: readonly number[]): WorldAnswer {
  const messages = readOutput(tokenIds);
  const textOn = (channel: string): string | null =>
    messages.find((message) => message.channel === channel && message.recipient === null)?.text ?? null;
  const call = messages.find(({ recipient }) => recipient === 'functions.get_weather');
  const reasoning = textOn('analysis');
  if (call) return { expected: { call: call.text, preamble: textOn('commentary') }, reasoning };
  return { expected: { text: textOn('final') ?? JSON.stringify(messages) }, reasoning };
}

let salt = 0;
/** A prompt of exactly this many ids that no other call gives, so that no cache knows it. */
export function freshPrompt(length: number): number[] {
  const prompt = promptOf([...opening(), { role: 'user', text: `Repeat after me: ${++salt}` }]);
  return [
    ...prompt.slice(0, 1),
    ...Array.from({ length: length - prompt.length }, () => 300 + salt),
    ...prompt.slice(1),
  ];
}
