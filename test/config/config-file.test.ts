import { describe, expect, it } from 'vitest';
import { readConfigText } from '../../src/config/config-file.ts';

const read = (text: string): unknown => {
  const { given, problems } = readConfigText(text, 'c.yaml');
  return {
    given: given.map(({ setting, value, where }) => [setting.path, value, where]),
    problems: problems.map(({ source, where, message }) => [source, where, message]),
  };
};
const problemsOf = (text: string): readonly string[] =>
  readConfigText(text, 'c.yaml').problems.map(({ where, message }) => `${where}: ${message}`);

describe('a configuration file', () => {
  it('gives its settings, each with its line and column', () => {
    expect(read('# mine\nmodel: gpt-oss-20b\nserver:\n  port: 9000\nengine: { gpus: [1, "2", GPU-5f2a] }\n')).toEqual({
      given: [
        ['model', 'gpt-oss-20b', 'c.yaml:2:8'],
        ['server.port', 9000, 'c.yaml:4:9'],
        ['engine.gpus', [1, '2', 'GPU-5f2a'], 'c.yaml:5:17'],
      ],
      problems: [],
    });
  });

  it.each([
    ['nothing', ''],
    ['comments', '# model: auto\n'],
    ['groups whose settings are commented out', 'server:\n  # port: 80\nengine: {}\n'],
  ])('may hold %s', (_, text) => {
    expect(read(text)).toEqual({ given: [], problems: [] });
  });

  it('tells every problem at once, with the place, what was found and what is allowed', () => {
    const text = `model: gpt-oss-20B
engin: {}
port: 80
engine:
  max_model_len: 4096
  args: [--port, 1]
  gpus: 0,1
  replicas: "2"
  replicas: 3
  gpu_memory_utilization: 90
  tensor_parallel: 3
server:
  port: "8000"
  host:
store: 7
state_dir: [a]
colour: red
assume_yes: yes
default_temperature: .nan
`;
    expect(problemsOf(text)).toEqual([
      'c.yaml:1:8: model is "gpt-oss-20B". Allowed: auto, gpt-oss-20b or gpt-oss-120b.',
      'c.yaml:2:1: engin is unknown. Did you mean engine?',
      'c.yaml:3:1: port is unknown. Did you mean server.port?',
      'c.yaml:5:3: engine.max_model_len is unknown. Did you mean engine.context_tokens?',
      `c.yaml:6:9: engine.args is ["--port",1], which names an option that Chorus sets itself (entry 1, '--port').`,
      'c.yaml:7:9: engine.gpus is "0,1". Allowed: auto, or a list of indices and UUIDs such as [0, 1] or [GPU-5f2a9c31]. Write it without quotes: gpus: [0,1]',
      'c.yaml:8:13: engine.replicas is "2". Allowed: auto or a whole number from 1 to 64. Write it without quotes: replicas: 2',
      'c.yaml:9:3: engine.replicas stands here a second time.',
      'c.yaml:10:27: engine.gpu_memory_utilization is 90. Allowed: auto or a number from 0.1 to 1.',
      'c.yaml:11:20: engine.tensor_parallel is 3. Allowed: auto, 1, 2, 4 or 8.',
      'c.yaml:13:9: server.port is "8000". Allowed: a whole number from 0 to 65535. Write it without quotes: port: 8000',
      'c.yaml:14:8: server.host is null. Allowed: an IP address or localhost. Give it a value, or leave the line out.',
      'c.yaml:15:8: store is 7. Allowed: retention_days, each on its own line below it.',
      'c.yaml:16:12: state_dir is ["a"]. Allowed: a text that is not empty.',
      'c.yaml:17:1: colour is unknown. Known here: model, engine, engines, server, limits, store, usage, state_dir, reasoning, default_temperature, loading_wait_seconds, drain_seconds, log_level, progress, assume_yes.',
      'c.yaml:18:13: assume_yes is "yes". Allowed: true or false.',
      'c.yaml:19:22: default_temperature is NaN. Allowed: a number from 0 to 2.',
    ]);
  });

  it('that no spelling would mend come without advice on quotes', () => {
    expect(problemsOf('server:\n  host: 256.1.1.1\nengine:\n  python: "a\\0b"\n')).toEqual([
      'c.yaml:2:9: server.host is "256.1.1.1", which is not an address. Use 127.0.0.1 for this machine, 0.0.0.0 for every interface.',
      'c.yaml:4:11: engine.python is "a\\u0000b", which holds a NUL character, as no path does.',
    ]);
  });

  it.each([
    ['a tab for a blank', 'server:\n\tport: 1\n', /^c\.yaml:2:1: Not valid YAML: Tabs/],
    ['an open quote', 'model: "auto\n', /^c\.yaml:2:1: Not valid YAML: Missing closing "quote/],
    [
      'two documents',
      'model: auto\n---\nmodel: auto\n',
      /^c\.yaml:2:1: A second document begins here: keep one of them, without this line\.$/,
    ],
    ['a type of a program', 'model: !!js/function "x"\n', /^c\.yaml:1:8: Not valid YAML: Unresolved tag/],
    ['an alias', 'model: &m auto\nreasoning: *m\n', /^c\.yaml:2:12: Aliases are not supported/],
    ['a list', '- model: auto\n', /^c\.yaml:1:1: The file is no list of settings/],
    ['brackets without end', '['.repeat(30_000), /^c\.yaml:1:\d+: Not valid YAML/],
    ['a deep list', `model: ${'['.repeat(500)}${']'.repeat(500)}`, /^c\.yaml:1:\d+: This is nested too deeply/],
    ['deep keys', `model: {${'? {'.repeat(500)}${'}'.repeat(501)}`, /^c\.yaml:1:\d+: This is nested too deeply/],
    ["a name of JavaScript's", 'constructor: 1\n', /^c\.yaml:1:1: constructor is unknown/],
  ])('is refused with %s', (_, text, problem) => {
    expect(problemsOf(text)[0]).toMatch(problem);
  });

  it('may begin with a byte order mark and have the line ends of Windows', () => {
    expect(read('\uFEFFmodel: auto\r\nserver:\r\n  port: 1\r\n')).toMatchObject({
      given: [
        ['model', 'auto', expect.anything()],
        ['server.port', 1, 'c.yaml:3:9'],
      ],
      problems: [],
    });
  });
});
