import { dirname, join, resolve } from 'node:path';
import { Refusal } from '../domain/refusal.ts';
import { readConfigText } from './config-file.ts';
import { defaultStateDir, findConfigFile, homeOf, readConfigBytes } from './find-file.ts';
import { joinLayers, type Given, type Layer, type Problem, type SourceKind } from './given.ts';
import { serveOptions, type ServeOptions } from './options.ts';
import type { Config } from './schema.ts';
import { SETTINGS, type Setting } from './settings.ts';
import { environmentWarnings, readEnvironment, readFlags, type Environment, type Flags } from './text-sources.ts';

/** A setting as it will be used, and who said so. */
export interface EffectiveSetting {
  readonly path: string;
  /** Null: nothing is set, and what that means is looked up later. */
  readonly value: unknown;
  readonly source: SourceKind;
  /** `config.yaml:3:9`, `CHORUS_SERVER_PORT` or `--port`; empty for a default. */
  readonly where: string;
}

/** A configuration without problems. */
export interface LoadedConfig {
  readonly options: ServeOptions;
  /** The file that was read, or null when there is none. */
  readonly file: string | null;
  /** Sentences about what looks like a setting and has no effect. */
  readonly warnings: readonly string[];
  readonly settings: readonly EffectiveSetting[];
}

/** What was found: a configuration, or everything that is wrong with it. */
export type ConfigReading =
  | { readonly config: LoadedConfig }
  | {
      /** All problems as one error. */
      readonly refusal: Refusal;
      readonly file: string | null;
      readonly problems: readonly Problem[];
      readonly warnings: readonly string[];
      /** What can be read all the same of where the server lives. */
      readonly stateDir: string;
    };

/**
 * Reads defaults, file, environment and flags, where the later win. Throws one `Refusal` that names every problem:
 * exit code 64 when only flags are wrong, 66 when the file that was named cannot be read, else 78.
 */
export async function loadConfig(flags: Flags, environment: Environment): Promise<LoadedConfig> {
  const reading = await readConfig(flags, environment);
  if ('refusal' in reading) throw reading.refusal;
  return reading.config;
}

/** As `loadConfig`, with the problems as data. */
export async function readConfig(flags: Flags, environment: Environment): Promise<ConfigReading> {
  const file = await findConfigFile(flags, environment);
  const warnings = environmentWarnings(environment);
  const { given, problems } = joinLayers([
    file === null ? { given: [], problems: [] } : resolvePaths(await readFileLayer(file), dirname(file), environment),
    resolvePaths(joinLayers([readEnvironment(environment), readFlags(flags)]), '.', environment),
  ]);
  const settings = SETTINGS.map((setting) => effective(setting, given, environment));
  const stateDir = String(settings.find(({ path }) => path === 'state_dir')?.value);
  if (problems.length > 0) return { refusal: refusalOf(problems), file, problems, warnings, stateDir };
  return { config: { options: optionsOf(settings), file, warnings, settings } };
}

async function readFileLayer(file: string): Promise<Layer> {
  const read = await readConfigBytes(file);
  return 'problem' in read ? { given: [], problems: [read.problem] } : readConfigText(read.text, file);
}

/** Paths become absolute: `~/` is the home folder, the rest is relative to `folder`. */
function resolvePaths({ given, problems }: Layer, folder: string, environment: Environment): Layer {
  const absolutePath = (path: string): string =>
    path.startsWith('~/') ? join(homeOf(environment), path.slice(2)) : resolve(folder, path);
  const absolute = given.map((one): Given => {
    const { isPath, withAbsolutePaths } = one.setting.notes;
    if (withAbsolutePaths) return { ...one, value: withAbsolutePaths(one.value as never, absolutePath) };
    return isPath === true ? { ...one, value: absolutePath(String(one.value)) } : one;
  });
  return { given: absolute, problems };
}

/** The last one who gave the setting wins. */
function effective(setting: Setting, given: readonly Given[], environment: Environment): EffectiveSetting {
  const last = given.findLast((one) => one.setting === setting);
  if (last !== undefined) return { path: setting.path, value: last.value, source: last.source, where: last.where };
  const value = setting.path === 'state_dir' ? defaultStateDir(environment) : (setting.defaultValue ?? null);
  return { path: setting.path, value, source: 'default', where: '' };
}

/** Checked settings in the units and names that the code uses. */
export function optionsOf(settings: readonly EffectiveSetting[]): ServeOptions {
  return serveOptions(configOf(settings));
}

/** Every value has passed its setting's check, so the tree has the schema's type. */
function configOf(settings: readonly EffectiveSetting[]): Config {
  const config: Record<string, unknown> = {};
  for (const { path, value } of settings) {
    const keys = path.split('.');
    const group = keys.slice(0, -1).reduce((node, key) => (node[key] ??= {}) as Record<string, unknown>, config);
    if (value !== null) group[keys.at(-1) ?? ''] = value;
  }
  return config as Config;
}

function refusalOf(problems: readonly Problem[]): Refusal {
  const sentences = problems.map(({ where, message }) => `${where}: ${message}`);
  const are = (source: Problem['source']): boolean => problems.every((problem) => problem.source === source);
  const message =
    sentences.length === 1
      ? sentences.join()
      : [`The settings have ${sentences.length} problems:`, ...sentences].join('\n  ');
  return new Refusal(are('flag') ? 'usage' : are('unreadable') ? 'noInput' : 'config', message);
}
