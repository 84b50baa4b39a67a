import { DockerfileParser, type Instruction, type JSONInstruction } from 'dockerfile-ast';

/** One stage of a Dockerfile. */
export interface Stage {
  /** Of `AS`, or its number. */
  readonly name: string;
  /** With arguments filled in by their defaults. */
  readonly base: string;
  readonly instructions: readonly StageInstruction[];
}

/** An instruction with its words; `words` are those of the JSON form where it has one. */
export interface StageInstruction {
  readonly keyword: string;
  /** Everything behind the keyword, lines joined. */
  readonly text: string;
  readonly words: readonly string[];
  /** `--from=build` as `from`. */
  readonly flags: Readonly<Record<string, string>>;
}

/** The stages of a Dockerfile, in order. Throws where it uses what Chorus's does not. */
export function readStages(dockerfile: string): readonly Stage[] {
  const defaults: Record<string, string> = {};
  const stages: { name: string; base: string; instructions: StageInstruction[] }[] = [];
  for (const instruction of DockerfileParser.parse(dockerfile).getInstructions()) {
    const one = readInstruction(instruction);
    const stage = stages.at(-1);
    if (one.keyword === 'FROM') {
      const [image = '', , name = String(stages.length)] = one.words;
      stages.push({
        name,
        base: image.replaceAll(/\$\{(\w+)\}/g, (_, key: string) => defaults[key] ?? ''),
        instructions: [],
      });
    } else if (stage) {
      stage.instructions.push(one);
    } else {
      const [, name = '', value = ''] = /^(\w+)=(.*)$/.exec(one.text) ?? [];
      defaults[name] = value;
    }
  }
  return stages;
}

function readInstruction(instruction: Instruction): StageInstruction {
  const { getFlags, getJSONStrings } = instruction as Partial<JSONInstruction>;
  const flags = getFlags?.call(instruction) ?? [];
  const json = getJSONStrings?.call(instruction) ?? [];
  const text = (instruction.getArgumentsContent() ?? '').replaceAll(/\\\n\s*/g, '');
  const plain = text.split(/\s+/).filter((word) => word !== '' && !word.startsWith('--'));
  return {
    keyword: instruction.getKeyword(),
    text,
    words: json.length > 0 ? json.map((word) => JSON.parse(word.getValue()) as string) : plain,
    flags: Object.fromEntries(flags.map((flag) => [flag.getName(), flag.getValue() ?? ''])),
  };
}

/** What the last stage says of the image that it makes. */
export interface ImageSettings {
  readonly user: string;
  readonly folder: string;
  readonly environment: readonly string[];
  readonly volumes: readonly string[];
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly healthCheck: readonly string[];
  readonly labels: readonly string[];
  readonly stopSignal: string;
}

/** The settings of the image that a stage ends with; of repeated ones the last. */
export function imageSettings({ instructions }: Stage): ImageSettings {
  const of = (keyword: string): readonly StageInstruction[] => instructions.filter((one) => one.keyword === keyword);
  const last = (keyword: string): StageInstruction | undefined => of(keyword).at(-1);
  const pairs = (keyword: string): readonly string[] =>
    of(keyword).flatMap(({ text }) =>
      [...text.matchAll(/[\w.]+=("[^"]*"|\S+)/g)].map(([pair]) => pair.replaceAll('"', '')),
    );
  return {
    user: last('USER')?.text ?? 'root',
    folder: last('WORKDIR')?.text ?? '/',
    environment: pairs('ENV'),
    volumes: last('VOLUME')?.words ?? [],
    entrypoint: last('ENTRYPOINT')?.words ?? [],
    command: last('CMD')?.words ?? [],
    healthCheck: JSON.parse(/CMD (\[.*\])$/.exec(last('HEALTHCHECK')?.text ?? '')?.[1] ?? '[]') as string[],
    labels: pairs('LABEL'),
    stopSignal: last('STOPSIGNAL')?.text ?? '',
  };
}
