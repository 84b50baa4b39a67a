import { Option, type Command } from 'commander';
import { allowedValues, SETTINGS, showValue, type Setting } from '../config/settings.ts';

/**
 * Adds `--config` and one flag for every setting, with its description and default. Commander is told no default, so
 * that a flag that was given can be told from one that was not; `loadConfig` checks the values.
 */
export function addConfigFlags(command: Command): Command {
  command.option('--config <file>', 'YAML file with settings (default: CHORUS_CONFIG, else the first usual place)');
  for (const setting of SETTINGS) {
    command.addOption(optionOf(setting));
  }
  return command;
}

function optionOf(setting: Setting): Option {
  const { flag, schema, notes, description } = setting;
  const option = new Option([flag, notes.placeholder].join(' ').trimEnd(), `${description}${remark(setting)}`);
  // `--no-key` is a setting, and not the opposite of a `--key`.
  option.negate = false;
  const isList = [schema, ...(schema.anyOf ?? [])].some(({ type }) => type === 'array');
  return isList
    ? option.argParser((value: string, earlier?: readonly string[]) => [...(earlier ?? []), value])
    : option;
}

/** The default, and what an enumeration allows. */
function remark({ schema, notes, defaultValue }: Setting): string {
  if (notes.placeholder === undefined) return '';
  const choices = schema.enum === undefined ? '' : `${allowedValues(schema)}; `;
  return ` (${choices}default: ${defaultInWords({ notes, defaultValue })})`;
}

/** A default as `--help` and the reference show it. */
export function defaultInWords({ notes, defaultValue }: Pick<Setting, 'notes' | 'defaultValue'>): string {
  if (defaultValue === undefined) return notes.defaultText ?? 'none';
  if (Array.isArray(defaultValue) && defaultValue.length === 0) return 'none';
  return typeof defaultValue === 'string' ? defaultValue : showValue(defaultValue);
}
