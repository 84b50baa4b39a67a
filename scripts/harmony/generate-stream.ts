import type { ParsedMessage } from '../../src/harmony/parse.ts';
import type { Piece } from '../../src/harmony/render.ts';
import { TOKENS } from '../../src/harmony/tokens.ts';
import { generateText } from './generate-text.ts';
import { QUIRKS, type Fragment, type QuirkName } from './quirks.ts';
import type { Random } from './random.ts';

/** One generation, with the name of the oddity in it that is read in another way than by the library, if there is one. */
export interface Stream extends Fragment {
  readonly quirk: QuirkName | null;
}

/** A generation of up to four messages; about every third has an oddity in it. */
export function generateStream(random: Random): Stream {
  const fragments: Fragment[] = random.times(random.between(0, 3), () => generateMessage(random));
  let quirk: QuirkName | null = null;
  if (random.chance(35)) {
    quirk = random.pick(Object.keys(QUIRKS) as QuirkName[]);
    fragments.splice(random.below(fragments.length + 1), 0, QUIRKS[quirk]);
  }
  if (fragments.length === 0 || random.chance(20)) fragments.push(generateCut(random));
  const separator: readonly Piece[] = [TOKENS.start, 'assistant'];
  return {
    quirk,
    pieces: fragments.flatMap(({ pieces }, index) => (index === 0 ? pieces : [...separator, ...pieces])),
    messages: fragments.flatMap(({ messages }) => messages),
  };
}

const ENDS = { end: TOKENS.end, call: TOKENS.call, return: TOKENS.return } as const;

/** A message in one of the spellings that everyone agrees on. */
function generateMessage(random: Random): Fragment {
  const header = generateHeader(random);
  const how = random.pick(['end', 'end', 'call', 'return'] as const);
  const content = generateContent(random);
  return {
    pieces: [...header.pieces, content.piece, ENDS[how]],
    messages: [{ ...header.message, text: content.text, how }],
  };
}

/** A message that the token limit cuts off. */
function generateCut(random: Random): Fragment {
  const header = generateHeader(random);
  const content = generateContent(random);
  return {
    pieces: [...header.pieces, content.piece],
    messages: [{ ...header.message, text: content.text, how: 'cut' }],
  };
}

/** Behind bytes that need not be text, so that no message ends in the middle of a character: that is a quirk of its own. */
const LETTER_A = 64;

function generateContent(random: Random): { readonly piece: Piece; readonly text: string | null } {
  if (random.chance(15)) {
    const ids = random.times(random.between(1, 12), () => random.below(199_998));
    return { piece: [...ids, LETTER_A], text: null };
  }
  const text = generateText(random);
  return { piece: text, text: text.toWellFormed() };
}

interface Header {
  readonly pieces: readonly Piece[];
  readonly message: Omit<ParsedMessage, 'text' | 'how'>;
}

function generateHeader(random: Random): Header {
  const message = { role: 'assistant', channel: null, recipient: null, contentType: null };
  if (random.chance(5)) return { pieces: [TOKENS.message], message };
  const channel = random.pick(['analysis', 'commentary', 'final', 'thoughts']);
  if (random.chance(60)) return { pieces: [TOKENS.channel, channel, TOKENS.message], message: { ...message, channel } };
  return generateCallHeader(random, channel);
}

function generateCallHeader(random: Random, channel: string): Header {
  const recipient = random.pick([
    'functions.get_weather',
    'functions.a-b_c',
    'browser.search',
    'python',
    'get_weather',
  ]);
  const [contentType, spelling] = random.pick<readonly [string | null, readonly Piece[]]>([
    [null, []],
    ['json', [' json']],
    ['code', [' code']],
    ['json', [' ', TOKENS.constrain, 'json']],
    ['json', [TOKENS.constrain, 'json']],
  ]);
  const to = ` to=${recipient}`;
  const pieces: Piece[] = random.chance(50)
    ? [to, TOKENS.channel, channel, ...spelling, TOKENS.message]
    : [TOKENS.channel, channel + to, ...spelling, TOKENS.message];
  return { pieces, message: { role: 'assistant', channel, recipient, contentType } };
}
