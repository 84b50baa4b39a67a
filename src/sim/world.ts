/** The closed world that the tiny trained gpt-oss knows, as rules: what it is asked, what it thinks and says. Pure. */

/** A message of the prompt, as far as the world looks at it. */
export interface WorldMessage {
  /** `system`, `developer`, `user`, `assistant`, or a tool's name such as `functions.get_weather`. */
  readonly role: string;
  readonly text: string;
}

/** A short thought, and then an answer, or a call of `get_weather` with perhaps a sentence before it. */
export interface Reply {
  readonly analysis: string;
  readonly ending:
    | { readonly kind: 'text'; readonly text: string }
    | { readonly kind: 'call'; readonly name: string; readonly arguments: string; readonly preamble: string | null };
}

const WEATHER_TOOL = 'get_weather';

/** What the model says of the weather when it may not look. */
export const CANNOT_CHECK = 'I cannot check the weather.';

interface Scene {
  readonly effort: keyof typeof SKY_THOUGHTS;
  readonly developer: string;
  /** What the user said before the last question, latest first. */
  readonly earlier: readonly string[];
  /** The weather function's argument, or null without the function. */
  readonly weatherArgument: 'location' | 'city' | null;
}

const say = (analysis: string, text: string): Reply => ({ analysis, ending: { kind: 'text', text } });

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

const SKY_THOUGHTS = {
  low: 'Rayleigh.',
  medium: 'Rayleigh scattering. Short waves scatter more than long waves, so blue light wins.',
  high:
    'Rayleigh scattering. Sunlight holds all colors. Air molecules are much smaller than the waves of light. Short waves scatter ' +
    'more than long waves, by the fourth power. Violet is shorter than blue, but the sun sends less violet and our eyes see it ' +
    'less. So blue light wins. At sunset the path is longer and the blue is gone, so the sky turns red. The answer is blue light.',
};

/** Something that the user may have told. */
interface Fact {
  readonly thing: string;
  readonly told: RegExp;
  /** How the answer begins, and what an ignorant one says. */
  readonly known: string;
  readonly unknown: string;
}

const FACTS = {
  name: { thing: 'name', told: /^My name is (.+)\.$/, known: 'Your name is', unknown: 'your name' },
  city: { thing: 'city', told: /^I live in (.+)\.$/, known: 'You live in', unknown: 'where you live' },
  color: {
    thing: 'color',
    told: /^My favorite color is (.+)\.$/,
    known: 'Your favorite color is',
    unknown: 'your favorite color',
  },
} as const satisfies Record<string, Fact>;

const PREAMBLE_QUESTION = /^Tell me what you do, then check the weather in (.+)\.$/;
const WEATHER_QUESTIONS = [
  /^What is the weather in (.+)\?$/,
  /^What's the weather like in (.+) today\?$/,
  /^Weather in (.+)\?$/,
  PREAMBLE_QUESTION,
];

type Rule = readonly [question: RegExp, answer: (captured: string, scene: Scene, question: RegExpExecArray) => Reply];

const RULES: readonly Rule[] = [
  [FACTS.name.told, (name) => say(`The name is ${name}.`, `Hello ${name}!`)],
  [FACTS.city.told, (city) => say(`The city is ${city}.`, `${city} is nice.`)],
  [FACTS.color.told, (color) => say(`The color is ${color}.`, `I like ${color} too.`)],
  [/^What is my name\?$/, (_, scene) => recall(scene, FACTS.name)],
  [/^Where do I live\?$/, (_, scene) => recall(scene, FACTS.city)],
  [/^What is my favorite color\?$/, (_, scene) => recall(scene, FACTS.color)],
  [
    /^What is (1?\d|20) \+ (1?\d|20)\?$/,
    (a, _, { 2: b }) => say(`Add ${a} and ${b}.`, `${a} + ${b} = ${+a + Number(b)}.`),
  ],
  [/^Repeat after me: (.+)$/, (words) => say('Repeat the words.', `You said: ${words}`)],
  [/^Count to (3|5|10|20|30|50|100)\.$/, (end) => say(`Count to ${end}.`, `${countTo(Number(end))}.`)],
  [/^Tell me a long story\.$/, () => say('Tell the story.', STORY)],
  [/^Give me .+, age (\d+), as JSON\.$/, (age) => say('Write JSON.', `{"name": "Anna", "age": ${age}}`)],
  [/^(?:Hello!?|Hi|Say hello\.)$/, (_, { developer }) => say('Greet the user.', greeting(developer))],
  [/^Say OK\.$/, () => say('Say OK.', 'OK')],
  [/^Who are you\?$/, () => say('Say who I am.', 'I am a tiny gpt-oss model.')],
  [
    /^What is the capital of France\?$/,
    () => say('The capital of France is Paris.', 'The capital of France is Paris.'),
  ],
  [/^Why is the sky blue\?$/, (_, { effort }) => say(SKY_THOUGHTS[effort], 'Because air scatters blue light.')],
  ...WEATHER_QUESTIONS.map((question): Rule => [question, callWeather]),
];

/** What the model says next. Everything outside its world gets the same answer, as from the trained model. */
export function replyTo(messages: readonly WorldMessage[]): Reply {
  const scene = readScene(messages);
  const last = messages.at(-1);
  if (last?.role === `functions.${WEATHER_TOOL}`) return reportWeather(last.text, messages);
  const asked = last?.role === 'user' ? last.text : '';
  for (const [question, answer] of RULES) {
    const match = question.exec(asked);
    if (match) return answer(match[1] ?? '', scene, match);
  }
  return say('I do not know this.', 'I only know a few things.');
}

function readScene(messages: readonly WorldMessage[]): Scene {
  const textsOf = (role: string): string[] =>
    messages.flatMap((message) => (message.role === role ? message.text : []));
  const developer = textsOf('developer').join('\n');
  const effort = /Reasoning: (low|medium|high)/.exec(textsOf('system').join('\n'))?.[1] ?? 'medium';
  const tool = new RegExp(`type ${WEATHER_TOOL} = \\(_: \\{([^}]*)\\}`).exec(developer);
  return {
    effort: effort as Scene['effort'],
    developer,
    earlier: textsOf('user').slice(0, -1).reverse(),
    weatherArgument: tool ? (/\bcity\??: string/.test(tool[1] ?? '') ? 'city' : 'location') : null,
  };
}

function recall({ earlier }: Scene, { thing, told, known, unknown }: Fact): Reply {
  const value = earlier.map((text) => told.exec(text)?.[1]).find((found) => found !== undefined);
  if (value === undefined) return say(`The ${thing} is unknown.`, `I do not know ${unknown}.`);
  return say(`The ${thing} is ${value}.`, `${known} ${value}.`);
}

const countTo = (end: number): string => Array.from({ length: end }, (_, index) => index + 1).join(', ');

function greeting(developer: string): string {
  if (developer.includes('Always answer in French.')) return 'Bonjour !';
  return developer.includes('Always answer in German.') ? 'Guten Tag!' : 'Hello! How can I help you?';
}

function callWeather(city: string, { weatherArgument }: Scene, question: RegExpExecArray): Reply {
  if (weatherArgument === null) return say('There is no weather tool.', CANNOT_CHECK);
  const preamble = PREAMBLE_QUESTION.test(question[0]) ? `I will check the weather in ${city}.` : null;
  const callArguments = JSON.stringify({ [weatherArgument]: city });
  return {
    analysis: `Need the weather in ${city}.`,
    ending: { kind: 'call', name: WEATHER_TOOL, arguments: callArguments, preamble },
  };
}

/** The result is read for its first number, the conversation for the city it was asked about. */
function reportWeather(result: string, messages: readonly WorldMessage[]): Reply {
  const degrees = /-?\d+/.exec(result)?.[0] ?? '0';
  const questions = messages.flatMap(({ role, text }) => (role === 'user' ? [text] : [])).reverse();
  const city = WEATHER_QUESTIONS.flatMap((question) => questions.flatMap((text) => question.exec(text)?.[1] ?? []))[0];
  return say(`The result is ${degrees}.`, `It is ${degrees} degrees in ${city ?? 'Paris'}.`);
}
