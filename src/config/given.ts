import { valueProblem, type Setting } from './settings.ts';

/** Where settings come from, the weakest first. */
export type SourceKind = 'default' | 'file' | 'environment' | 'flag';

/** A value that somebody gave a setting. */
export interface Given {
  readonly setting: Setting;
  readonly value: unknown;
  readonly source: SourceKind;
  /** `config.yaml:3:9`, `CHORUS_SERVER_PORT` or `--port`. */
  readonly where: string;
}

/** What is wrong with a configuration, at one place of it. */
export interface Problem {
  /** `unreadable`: the file that was named cannot be read at all. */
  readonly source: SourceKind | 'unreadable';
  readonly where: string;
  /** A whole sentence: the path, what was found, what is allowed. */
  readonly message: string;
}

/** What one source says: good values, and every problem beside them. */
export interface Layer {
  readonly given: readonly Given[];
  readonly problems: readonly Problem[];
}

/** A value as a layer: given when the setting can have it, else a problem; `hint` ends the problem's sentence. */
export function layerOf(given: Given, hint = ''): Layer {
  const { setting, value, source, where } = given;
  const problem = valueProblem(setting, value);
  if (problem === null) return { given: [given], problems: [] };
  return { given: [], problems: [{ source, where, message: `${setting.path} ${problem}.${hint}` }] };
}

/** Several layers as one, in their order. */
export function joinLayers(layers: readonly Layer[]): Layer {
  return { given: layers.flatMap(({ given }) => given), problems: layers.flatMap(({ problems }) => problems) };
}
