import type { HarmonyMessage } from '../../src/harmony/message.ts';
import type { Piece } from '../../src/harmony/render.ts';
import { TOKENS } from '../../src/harmony/tokens.ts';
import { SPECIAL_TEXTS } from './generate-text.ts';
import { spelled } from './spelled.ts';
import { TOOL_CASES } from './tool-cases.ts';

/** Inputs whose answers from the library are recorded for the tests (test/fixtures/harmony). */

const system: HarmonyMessage = { role: 'system', effort: 'medium', date: '2026-03-01', hasFunctionTools: false };
const question: HarmonyMessage = { role: 'user', text: 'What is 2 + 2?' };
const thought: HarmonyMessage = { role: 'assistant', channel: 'analysis', text: 'Add 2 and 2.' };
const answer: HarmonyMessage = { role: 'assistant', channel: 'final', text: '2 + 2 = 4.' };
const call: HarmonyMessage = {
  role: 'assistant',
  channel: 'call',
  name: 'get_weather',
  arguments: '{"location":"Paris"}',
};
const result: HarmonyMessage = { role: 'tool', name: 'get_weather', output: '{"temperature": 20}' };

export const RENDER_CASES: Readonly<Record<string, readonly HarmonyMessage[]>> = {
  'nothing but a question': [question],
  'a system message and a question': [system, question],
  'low effort': [{ ...system, effort: 'low' }, question],
  'high effort': [{ ...system, effort: 'high' }, question],
  'no date': [{ ...system, date: null }, question],
  'an identity and a cutoff of one’s own': [
    { ...system, identity: 'You are Ada.', knowledgeCutoff: '2025-01' },
    question,
  ],
  instructions: [system, { role: 'developer', instructions: 'Be brief.' }, question],
  'empty instructions': [system, { role: 'developer', instructions: '' }, question],
  'no instructions': [system, { role: 'developer', instructions: null }, question],
  'instructions that end in a line end': [system, { role: 'developer', instructions: 'Be brief.\n' }, question],
  'a later developer message': [system, question, answer, { role: 'developer', instructions: 'Now rhyme.' }, question],
  'an empty question': [system, { role: 'user', text: '' }],
  'a past answer': [system, question, answer, question],
  'a conversation that ends with an answer': [system, question, answer],
  'a thought that is kept': [system, question, thought],
  'a preamble': [
    system,
    question,
    { role: 'assistant', channel: 'commentary', text: 'I will look it up.' },
    call,
    result,
  ],
  'a past call and its result': [system, question, thought, call, result],
  'a call without a result': [system, question, call],
  'a name with every allowed letter': [question, { ...call, name: 'a-B_9.c' }, { ...result, name: 'a-B_9.c' }],
  'spellings of control tokens': SPECIAL_TEXTS.map((text) => ({ role: 'user', text })),
  ...TOOL_CASES,
  'every script': [system, { role: 'user', text: 'naïve Straße привет こんにちは 世界 مرحبا שלום 👩‍💻 é \u0301' }],
};

/** Generations that the library and Chorus read alike, from behind `<|start|>assistant` on. */
export const AGREED_STREAMS: Readonly<Record<string, readonly Piece[]>> = {
  'an answer': spelled('<|channel|>final<|message|>2 + 2 = 4.<|return|>'),
  'a thought and an answer': spelled(
    '<|channel|>analysis<|message|>Add.<|end|><|start|>assistant<|channel|>final<|message|>4<|return|>',
  ),
  'a preamble and a call': spelled(
    '<|channel|>commentary<|message|>I will check.<|end|><|start|>assistant<|channel|>commentary to=functions.x <|constrain|>json<|message|>{}<|call|>',
  ),
  'recipient in the channel part': spelled(
    '<|channel|>commentary to=functions.x <|constrain|>json<|message|>{}<|call|>',
  ),
  'recipient in the role part': spelled(' to=functions.x<|channel|>commentary <|constrain|>json<|message|>{}<|call|>'),
  'recipient in the role part, no mark': spelled(' to=functions.x<|channel|>commentary json<|message|>{}<|call|>'),
  'content type json without mark': spelled('<|channel|>commentary to=functions.x json<|message|>{}<|call|>'),
  'content type code': spelled('<|channel|>commentary to=functions.x code<|message|>{}<|call|>'),
  'no content type': spelled('<|channel|>commentary to=functions.x<|message|>{}<|call|>'),
  'no space before the mark': spelled('<|channel|>commentary to=functions.x<|constrain|>json<|message|>{}<|call|>'),
  'a call on the analysis channel': spelled(
    '<|channel|>analysis to=functions.x <|constrain|>json<|message|>{}<|call|>',
  ),
  'a call on the final channel': spelled('<|channel|>final to=functions.x <|constrain|>json<|message|>{}<|call|>'),
  'a recipient without functions.': spelled('<|channel|>commentary to=get_weather json<|message|>{}<|call|>'),
  'a recipient without to=': spelled('<|channel|>commentary functions.x<|message|>{}<|call|>'),
  'an unknown channel': spelled('<|channel|>thoughts<|message|>Hm.<|end|>'),
  'a call ended by <|end|>, then another call': spelled(
    '<|channel|>commentary to=functions.x json<|message|>{}<|end|><|start|>assistant<|channel|>commentary to=functions.y json<|message|>{}<|call|>',
  ),
  'a message after <|call|>': spelled(
    '<|channel|>commentary to=functions.x json<|message|>{}<|call|><|start|>assistant<|channel|>final<|message|>a<|return|>',
  ),
  'a message after <|return|>': spelled(
    '<|channel|>final<|message|>a<|return|><|start|>assistant<|channel|>final<|message|>b<|end|>',
  ),
  'the role repeated': spelled('assistant<|channel|>final<|message|>a<|return|>'),
  '<|message|> without a channel': spelled('<|message|>hello<|return|>'),
  'an answer ended by <|call|>': spelled('<|channel|>final<|message|>a<|call|>'),
  'a line end after the channel': spelled('<|channel|>final\n<|message|>a<|return|>'),
  'another role': spelled('<|channel|>final<|message|>a<|end|><|start|>user<|message|>b<|end|>'),
  'a tool result': spelled(
    '<|channel|>commentary to=functions.x json<|message|>{}<|call|><|start|>functions.x to=assistant<|channel|>commentary<|message|>ok<|end|>',
  ),
  'a tool result, recipient in the channel part': spelled(
    '<|channel|>commentary to=functions.x json<|message|>{}<|call|><|start|>functions.x<|channel|>commentary to=assistant<|message|>ok<|end|>',
  ),
  'no content': spelled('<|channel|>final<|message|><|return|>'),
  'cut in the content': spelled('<|channel|>final<|message|>and th'),
  'cut before the content': spelled('<|channel|>final<|message|>'),
  'bytes that are no text': [
    ...spelled('<|channel|>final<|message|>'),
    [128, 97, 250, 64, 188, 188, 90],
    TOKENS.return,
  ],
  'spellings of control tokens': [...spelled('<|channel|>final<|message|>'), SPECIAL_TEXTS.join(' '), TOKENS.return],
};

/** Texts that cut tokenizers go wrong on. */
export const TEXTS: readonly string[] = [
  [
    '',
    ' ',
    '  ',
    '\n',
    '\r\n',
    '\n\n  x',
    ' \n \n ',
    'a \n',
    '\t\tx',
    'x  y',
    ' .',
    '  .',
    '\u00a0x',
    '\u0085',
    '\ufeff',
    '\u2028x',
    '\u3000。',
  ],
  ["don't", "DON'T", "I'LL we've y'all", "'s", "x'ſ", "x'S", "it's's", "é're", "语's", "A's'B", "'", "''ll", '’s'],
  [
    'HTTPServer',
    'iPhone',
    'ABCdef',
    'abcDEF',
    'camelCaseName',
    'ǅungla',
    'ÀÉß',
    'ΑΒΓαβγ',
    '한국어ABC',
    'ABC한국어',
    '语A',
    'A语B',
    'ªº',
    'ﬁn',
    '𝓤𝓷𝓲',
    'Ⅷ',
  ],
  ['1', '12', '123', '1234', '1234567', '٣٤٥٦', '½²', '3.14', '1,000', 'x1y2', '一二三', '１２３４'],
  [
    '\u0301',
    'e\u0301',
    '\u0301A',
    '.\u0301A',
    ' \u0301',
    '\u0301\u0301B',
    'A\u0301B',
    'नमस्ते',
    'ไทย',
    'மொழி',
    'עִברִית',
    'Z̷̘͝algo',
  ],
  [
    '...',
    '!?',
    '//\n',
    '/\n/\n/x',
    ' /\r\n/',
    '(\n\n',
    '{}[]',
    '"a"',
    "'a'",
    '#!',
    '&&||',
    '_a_',
    '__init__',
    '\\n',
    '€5',
    '¿qué?',
    '=>',
    ' =>',
  ],
  ['🙂', '👩‍💻', '👨‍👩‍👧‍👦', '🇩🇪🇫🇷', '🏳️‍🌈', '👍🏽', '🙂a', 'a🙂', ' 🙂', '\u200d', '\u{10ffff}', '\uffff', '𐀀', '\u{20000}'],
  ['\ud800', '\udc00', 'a\ud800b', '\ud800\ud800\udc00', '\udc00\ud800', ' \udfff', '\ud83d', 'x\udc00\n'],
  ['a', 'A', '語', ' ', '\n', '!', '7', '\u0301', '🙂', 'ab', 'aB'].map((unit) => unit.repeat(700)),
  [
    `${'a'.repeat(300)}B${'A'.repeat(300)}b`,
    `語${'A'.repeat(400)}`,
    `${' '.repeat(300)}x${' '.repeat(300)}\n${' '.repeat(300)}`,
    `${'.'.repeat(300)}\n${'/'.repeat(300)}`,
  ],
  SPECIAL_TEXTS,
].flat();
