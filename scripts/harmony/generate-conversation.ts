import { dropOldAnalysis } from '../../src/harmony/drop.ts';
import type { DeveloperMessage, HarmonyMessage } from '../../src/harmony/message.ts';
import { generateText } from './generate-text.ts';
import { generateTools } from './generate-tools.ts';
import type { Random } from './random.ts';

const NAMES = ['get_weather', 'f', 'search-web', 'mcp__files__read_file', 'Weather2', 'a.b', 'x'.repeat(64)];

/** A whole conversation of a few turns, as the gateway would build it; old analysis is dropped already. */
export function generateConversation(random: Random): HarmonyMessage[] {
  const tools = random.chance(30) ? generateTools(random) : undefined;
  const messages: HarmonyMessage[] = [generateSystem(random, tools !== undefined)];
  if (tools !== undefined) messages.push({ ...generateDeveloper(random), tools });
  else if (random.chance(50)) messages.push(generateDeveloper(random));
  for (let turns = random.between(1, 4); turns > 0; turns--) messages.push(...generateTurn(random));
  if (random.chance(70)) messages.push({ role: 'user', text: generateText(random) });
  return dropOldAnalysis(messages);
}

function generateSystem(random: Random, hasFunctionTools: boolean): HarmonyMessage {
  const day = `${random.between(2024, 2031)}-${String(random.between(1, 12)).padStart(2, '0')}-${String(random.between(1, 28)).padStart(2, '0')}`;
  return {
    role: 'system',
    effort: random.pick(['low', 'medium', 'high']),
    date: random.chance(90) ? day : null,
    hasFunctionTools,
    ...(random.chance(10) ? { identity: generateText(random) } : {}),
    ...(random.chance(10) ? { knowledgeCutoff: '2025-01' } : {}),
  };
}

function generateDeveloper(random: Random): DeveloperMessage {
  return { role: 'developer', instructions: random.chance(95) ? generateText(random) : null };
}

function generateTurn(random: Random): HarmonyMessage[] {
  const messages: HarmonyMessage[] = [{ role: 'user', text: generateText(random) }];
  const say = (channel: 'analysis' | 'commentary' | 'final'): void => {
    messages.push({ role: 'assistant', channel, text: generateText(random) });
  };
  if (random.chance(10)) messages.push(generateDeveloper(random));
  for (let calls = random.chance(30) ? random.between(1, 3) : 0; calls > 0; calls--) {
    if (random.chance(70)) say('analysis');
    if (random.chance(30)) say('commentary');
    const name = random.pick(NAMES);
    messages.push({
      role: 'assistant',
      channel: 'call',
      name,
      arguments: JSON.stringify({ text: generateText(random) }),
    });
    messages.push({ role: 'tool', name, output: generateText(random) });
  }
  if (random.chance(60)) say('analysis');
  if (random.chance(85)) say('final');
  return messages;
}
