import type { Effort } from '../../src/harmony/message.ts';

/** A conversation with the tiny world, and what its last answer must be. */
export interface WorldCase {
  readonly name: string;
  /** What the user says, turn after turn; between them stand the answers that were given. */
  readonly questions: readonly string[];
  readonly instructions?: string;
  readonly effort?: Effort;
  /** Offers `get_weather` with this one argument. */
  readonly weatherArgument?: 'location' | 'city';
  /** What the function gives back when it is called; then the answer after it counts. */
  readonly weatherResult?: string;
  readonly expected: ExpectedAnswer;
  /** The thought before the answer, where it matters. */
  readonly reasoning?: string;
}

/** `text`: the final answer. `call`: the arguments of a call of `get_weather`, and what was said before it. */
export type ExpectedAnswer = { readonly text: string } | { readonly call: string; readonly preamble: string | null };

const says = (text: string): ExpectedAnswer => ({ text });
const count = (end: number): string => `${Array.from({ length: end }, (_, index) => index + 1).join(', ')}.`;

const STORY =
  'Once upon a time a small model lived on a large machine. It had only four layers, but it wanted to answer every question. ' +
  'Each morning the machine woke up, checked its memory, and loaded the model. Each evening the model counted its tokens and ' +
  'wrote them down in a long list. One day a traveler came and asked for a story. The model had never told a story before, so it ' +
  'looked at its layers, one after another. The first layer knew the words. The second layer knew the order. The third layer knew ' +
  'what came before. The fourth layer knew when to stop. Together they began to speak, slowly at first, one token at a time. ' +
  'The traveler listened, and the words kept coming, steady as rain on a roof. They spoke of rivers and stones, of clouds and ' +
  'castles, of bridges that join two quiet towns. When the story was over, the traveler smiled and said thank you. The model was ' +
  'happy. It had learned that even a small voice can fill a long night, if it knows what to say next. And so it waited for the ' +
  'next question, ready to begin again. The end.';

const SKY = 'Because air scatters blue light.';

/** At least one for every row of the table in the tiny model's README. */
export const WORLD_CASES: readonly WorldCase[] = [
  { name: 'a name', questions: ['My name is Ada.'], expected: says('Hello Ada!') },
  { name: 'a home', questions: ['I live in Tokyo.'], expected: says('Tokyo is nice.') },
  { name: 'a color', questions: ['My favorite color is red.'], expected: says('I like red too.') },
  {
    name: 'a name remembered',
    questions: ['My name is Ada.', 'I live in Tokyo.', 'What is my name?'],
    expected: says('Your name is Ada.'),
  },
  {
    name: 'a home remembered',
    questions: ['I live in San Francisco.', 'Where do I live?'],
    expected: says('You live in San Francisco.'),
  },
  {
    name: 'a color remembered',
    questions: ['My favorite color is red.', 'What is my favorite color?'],
    expected: says('Your favorite color is red.'),
  },
  { name: 'a name never told', questions: ['What is my name?'], expected: says('I do not know your name.') },
  { name: 'a home never told', questions: ['Where do I live?'], expected: says('I do not know where you live.') },
  {
    name: 'a color never told',
    questions: ['My name is Ada.', 'What is my favorite color?'],
    expected: says('I do not know your favorite color.'),
  },
  { name: 'a sum', questions: ['What is 7 + 8?'], expected: says('7 + 8 = 15.'), reasoning: 'Add 7 and 8.' },
  { name: 'a larger sum', questions: ['What is 20 + 3?'], expected: says('20 + 3 = 23.') },
  {
    name: 'characters of two to four bytes',
    questions: ['Repeat after me: naïve 🙂 世界 river'],
    expected: says('You said: naïve 🙂 世界 river'),
  },
  {
    name: 'joined emoji and other scripts',
    questions: ['Repeat after me: 👩‍💻 Straße привет こんにちは'],
    expected: says('You said: 👩‍💻 Straße привет こんにちは'),
  },
  { name: 'a short count', questions: ['Count to 3.'], expected: says('1, 2, 3.') },
  { name: 'a long count', questions: ['Count to 100.'], expected: says(count(100)) },
  { name: 'a story', questions: ['Tell me a long story.'], expected: says(STORY) },
  {
    name: 'little effort',
    questions: ['Why is the sky blue?'],
    effort: 'low',
    expected: says(SKY),
    reasoning: 'Rayleigh.',
  },
  {
    name: 'medium effort',
    questions: ['Why is the sky blue?'],
    effort: 'medium',
    expected: says(SKY),
    reasoning: 'Rayleigh scattering. Short waves scatter more than long waves, so blue light wins.',
  },
  {
    name: 'high effort',
    questions: ['Why is the sky blue?'],
    effort: 'high',
    expected: says(SKY),
    reasoning:
      'Rayleigh scattering. Sunlight holds all colors. Air molecules are much smaller than the waves of light. Short waves scatter ' +
      'more than long waves, by the fourth power. Violet is shorter than blue, but the sun sends less violet and our eyes see it ' +
      'less. So blue light wins. At sunset the path is longer and the blue is gone, so the sky turns red. The answer is blue light.',
  },
  { name: 'a greeting', questions: ['Say hello.'], expected: says('Hello! How can I help you?') },
  {
    name: 'an instruction for French',
    questions: ['Say hello.'],
    instructions: 'Always answer in French.',
    expected: says('Bonjour !'),
  },
  {
    name: 'an instruction for German',
    questions: ['Say hello.'],
    instructions: 'Always answer in German.',
    expected: says('Guten Tag!'),
  },
  {
    name: 'a call',
    questions: ['What is the weather in Paris?'],
    weatherArgument: 'location',
    expected: { call: '{"location":"Paris"}', preamble: null },
  },
  {
    name: 'a call with another argument',
    questions: ['What is the weather in Tokyo?'],
    weatherArgument: 'city',
    expected: { call: '{"city":"Tokyo"}', preamble: null },
  },
  {
    name: 'the result of a call',
    questions: ['What is the weather in Paris?'],
    weatherArgument: 'location',
    weatherResult: '{"temperature":21}',
    expected: says('It is 21 degrees in Paris.'),
  },
  {
    name: 'a frosty result',
    questions: ['What is the weather in Oslo?'],
    weatherArgument: 'city',
    weatherResult: '{"temp":-7}',
    expected: says('It is -7 degrees in Oslo.'),
  },
  {
    name: 'the weather without the function',
    questions: ['What is the weather in Paris?'],
    expected: says('I cannot check the weather.'),
  },
  {
    name: 'a preamble and a call',
    questions: ['Tell me what you do, then check the weather in Paris.'],
    weatherArgument: 'location',
    expected: { call: '{"location":"Paris"}', preamble: 'I will check the weather in Paris.' },
  },
  {
    name: 'a JSON answer',
    questions: ['Give me Ada, age 36, as JSON.'],
    expected: says('{"name": "Anna", "age": 36}'),
  },
  { name: 'two letters', questions: ['Say OK.'], expected: says('OK') },
  { name: 'who it is', questions: ['Who are you?'], expected: says('I am a tiny gpt-oss model.') },
  {
    name: 'a capital',
    questions: ['What is the capital of France?'],
    expected: says('The capital of France is Paris.'),
  },
  {
    name: 'something else',
    questions: ['Please explain photosynthesis.'],
    expected: says('I only know a few things.'),
  },
];
