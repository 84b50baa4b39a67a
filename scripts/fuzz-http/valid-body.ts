import type { Random } from '../harmony/random.ts';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

/** Questions to which the simulator has an answer of its own; the rest of the world gets one sentence. */
const QUESTIONS = [
  'Say OK.',
  'What is 7 + 8?',
  'Count to 20.',
  'Repeat after me: it is "quoted" \u{1f600} \u00e9\u4e2d',
  'What is the weather in Paris?',
  'Tell me what you do, then check the weather in Rome.',
  'Give me Anna, age 7, as JSON.',
  'Why is the sky blue?',
  'Something else entirely.',
];

const SCHEMA: Json = {
  type: 'object',
  properties: { city: { type: 'string' }, days: { type: 'integer', minimum: 1 }, kind: { enum: ['a', 'b'] } },
  required: ['city'],
  additionalProperties: false,
};

/** A body of `POST /responses` that the contract allows, with any of its fields. */
export function validBody(random: Random): JsonObject {
  const body: JsonObject = { model: random.pick(['gpt-oss-20b', 'gpt-oss-20b', 'openai/gpt-oss-20b']) };
  Object.assign(body, inputFields(random));
  for (const [name, make] of Object.entries(OPTIONAL_FIELDS)) if (random.chance(12)) body[name] = make(random);
  if (random.chance(50)) body['stream'] = true;
  if (random.chance(25)) Object.assign(body, toolFields(random));
  if (random.chance(15)) Object.assign(body, formatFields(random));
  return body;
}

function inputFields(random: Random): JsonObject {
  const question = random.pick(QUESTIONS);
  switch (random.below(5)) {
    case 0:
      return { input: question };
    case 1:
      return { prompt: question };
    case 2:
      return { messages: chatMessages(random, question) };
    default:
      return { input: items(random, question) };
  }
}

function items(random: Random, question: string): Json[] {
  const earlier = random.times(random.below(4), () => random.pick(ITEMS)(random));
  return [...earlier.flat(), { type: 'message', role: 'user', content: content(random, question, 'input_text') }];
}

const content = (random: Random, text: string, type: string): Json =>
  random.chance(50)
    ? text
    : [
        { type, text: text.slice(0, 5) },
        { type, text: text.slice(5) },
      ];

/** Pieces of a history, each complete in itself. */
const ITEMS: readonly ((random: Random) => Json[])[] = [
  (random) => [{ role: random.pick(['system', 'developer', 'user']), content: 'My name is Ada.' }],
  (random) => [
    {
      type: 'message',
      id: 'msg_1',
      role: 'assistant',
      status: 'completed',
      phase: random.pick(['commentary', 'final_answer']),
      content: [{ type: 'output_text', text: 'Hello Ada!', annotations: [], logprobs: [] }],
    },
  ],
  () => [
    { type: 'reasoning', id: 'rs_1', summary: [], content: [{ type: 'reasoning_text', text: 'Greet.' }], status: null },
  ],
  (random) => {
    const call = { type: 'function_call', call_id: 'call_1', name: 'get_weather', arguments: '{"city":"Paris"}' };
    const output = random.pick<Json>(['21 degrees', [{ type: 'input_text', text: '21 degrees' }]]);
    return [call, { type: 'function_call_output', call_id: 'call_1', output }];
  },
  () => [{ type: 'item_reference', id: 'msg_1' }],
  () => [{ type: 'web_search_call', id: 'ws_1', status: 'completed', action: { type: 'search', query: 'x' } }],
];

function chatMessages(random: Random, question: string): Json[] {
  const call = { id: 'call_1', type: 'function', function: { name: 'get_weather', arguments: '{}' } };
  const tool = [
    { role: 'assistant', content: null, tool_calls: [call] },
    { role: 'tool', tool_call_id: 'call_1', content: '3' },
  ];
  return [
    { role: 'system', content: 'Be brief.' },
    ...(random.chance(30) ? tool : []),
    ...(random.chance(30) ? [{ role: 'assistant', content: 'Yes.', reasoning: 'Hm.' }] : []),
    { role: 'user', content: question },
  ];
}

function toolFields(random: Random): JsonObject {
  const strict = random.pick<Json>([true, false, null]);
  const tools: Json[] = [
    { type: 'function', name: 'get_weather', description: 'Weather.', parameters: SCHEMA, strict },
    ...(random.chance(30) ? [{ type: 'function', name: 'now', parameters: null }] : []),
    ...(random.chance(10) ? [{ type: 'web_search' }] : []),
    ...(random.chance(10) ? [{ type: 'custom', name: 'patch', format: { type: 'text' } }] : []),
  ];
  const byName = { type: 'function', name: 'get_weather' };
  const choices: Json[] = [
    'auto',
    'none',
    'required',
    byName,
    { type: 'allowed_tools', mode: 'required', tools: [byName] },
  ];
  return random.chance(60) ? { tools, tool_choice: random.pick(choices) } : { tools };
}

function formatFields(random: Random): JsonObject {
  const schema = { type: 'json_schema', name: 'answer', schema: SCHEMA, strict: true };
  switch (random.below(4)) {
    case 0:
      return { text: { format: { type: 'json_object' }, verbosity: 'low' } };
    case 1:
      return { response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: SCHEMA } } };
    case 2:
      return { text: { format: { type: 'text' } } };
    default:
      return { text: { format: schema } };
  }
}

const OPTIONAL_FIELDS: Readonly<Record<string, (random: Random) => Json>> = {
  instructions: () => 'Always answer in French.',
  previous_response_id: () => 'resp_0123456789abcdef0123456789abcdef0123456789abcdef',
  store: (random) => random.chance(50),
  background: (random) => random.chance(20),
  max_output_tokens: (random) => random.between(16, 60),
  max_tool_calls: (random) => random.between(1, 5),
  temperature: (random) => random.below(21) / 10,
  top_p: (random) => random.below(11) / 10,
  top_k: (random) => random.between(-1, 50),
  min_p: () => 0.1,
  repetition_penalty: () => 1.1,
  presence_penalty: () => -1,
  frequency_penalty: () => 0.5,
  seed: (random) => random.below(1_000_000),
  stop: (random) => random.pick<Json>(['.', ['a', 'b']]),
  logit_bias: () => ({ '1734': -100 }),
  priority: () => 1,
  top_logprobs: (random) => random.below(3),
  parallel_tool_calls: (random) => random.chance(50),
  truncation: (random) => random.pick(['auto', 'disabled', 'disabled']),
  metadata: () => ({ user: 'u1', trace: 'abc' }),
  include: (random) => random.pick<Json>([[], ['reasoning.encrypted_content'], ['message.output_text.logprobs']]),
  reasoning: (random) => ({ effort: random.pick(['none', 'minimal', 'low', 'medium', 'high']), summary: 'auto' }),
  service_tier: () => 'auto',
  user: () => 'someone',
  safety_identifier: () => 'someone',
  prompt_cache_key: () => 'key',
  client_metadata: () => ({ any: { thing: [1, 2] } }),
  conversation: () => 'conv_1',
};
