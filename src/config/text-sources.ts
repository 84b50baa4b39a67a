import { layerOf, joinLayers, type Layer, type SourceKind } from './given.ts';
import { readText, SETTINGS, type Setting } from './settings.ts';
import { closest } from './suggest.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Flags as commander gives them: by camel-cased name, absent when not given. Keys of no setting are ignored. */
export type Flags = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

/** Names the file; it is no setting, because a file cannot name itself. */
export const CONFIG_VARIABLE = 'CHORUS_CONFIG';

/** The settings in the environment; an empty variable counts as absent, as Compose files leave them. */
export function readEnvironment(environment: Environment): Layer {
  const layers = SETTINGS.flatMap((setting) => {
    const { variable, notes } = setting;
    const where = [variable, notes.otherVariable ?? variable].find((name) => environment[name]);
    const text = where && environment[where];
    return text ? [readSettingText(setting, text, { source: 'environment', where })] : [];
  });
  return joinLayers(layers);
}

const PREFIX = 'CHORUS_';

/** Variables that a service called chorus in Kubernetes brings (`CHORUS_PORT=tcp://…`), and those of the simulator and of tests. */
const FOREIGN = /^CHORUS_(SERVICE_|PORT_\d+_|SIM_|TEST_)/;

/** One sentence for every variable that looks like a setting and is none. */
export function environmentWarnings(environment: Environment): readonly string[] {
  const known = [CONFIG_VARIABLE, ...SETTINGS.map(({ variable }) => variable)];
  return Object.entries(environment).flatMap(([name, value = '']) => {
    if (!name.startsWith(PREFIX) || known.includes(name) || FOREIGN.test(name)) return [];
    if (name === 'CHORUS_PORT' && value.startsWith('tcp://')) return [];
    const meant = sameLastKey(name) ?? nearVariable(name, known);
    return [`The variable ${name} is no setting and has no effect.${meant === null ? '' : ` Did you mean ${meant}?`}`];
  });
}

function sameLastKey(name: string): string | null {
  return SETTINGS.find(({ variable }) => variable.endsWith(name.slice(PREFIX.length - 1)))?.variable ?? null;
}

function nearVariable(name: string, known: readonly string[]): string | null {
  const near = closest(
    name.slice(PREFIX.length),
    known.map((variable) => variable.slice(PREFIX.length)),
  );
  return near === null ? null : PREFIX + near;
}

/** The settings among the flags. */
export function readFlags(flags: Flags): Layer {
  const layers = SETTINGS.flatMap((setting) => {
    const given = flags[attributeOf(setting)];
    const origin = { source: 'flag', where: setting.flag } as const;
    if (given === undefined) return [];
    if (typeof given === 'boolean') return [layerOf({ setting, value: given, ...origin })];
    if (typeof given === 'string') return [readSettingText(setting, given, origin)];
    return [readRepeated(setting, given, origin)];
  });
  return joinLayers(layers);
}

interface Origin {
  readonly source: SourceKind;
  readonly where: string;
}

function readSettingText(setting: Setting, text: string, origin: Origin): Layer {
  return layerOf({ setting, value: readText(text, setting.schema) ?? text, ...origin });
}

/** A flag that was given several times makes one list. */
function readRepeated(setting: Setting, texts: readonly string[], origin: Origin): Layer {
  if (setting.notes.flagGivesEntry) return layerOf({ setting, value: texts, ...origin });
  const values = texts.map((text) => readText(text, setting.schema) ?? text);
  return layerOf({ setting, value: values.length === 1 ? values[0] : values.flat(), ...origin });
}

/** The name under which commander gives a flag: `--model-path` as `modelPath`. */
function attributeOf({ flag }: Setting): string {
  return flag.slice(2).replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}
