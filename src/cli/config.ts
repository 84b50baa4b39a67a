import type { Command } from 'commander';
import { loadConfig, readConfig, type ConfigReading, type EffectiveSetting } from '../config/load-config.ts';
import { showValue } from '../config/settings.ts';
import type { Flags } from '../config/text-sources.ts';
import { addConfigFlags } from './config-flags.ts';
import { formatTable } from './table.ts';

/** Adds `chorus config check` and `chorus config show`. What they find goes to `print`; they start nothing. */
export function addConfigCommand(program: Command, print: (text: string) => void): void {
  const config = program.command('config').description('check and show the settings; starts nothing');
  config
    .command('check')
    .description('every problem of the settings that serve would use, each with its place')
    .argument('[file]', 'YAML file (default: the one that serve would read)')
    .option('--json', 'as JSON', false)
    .action((file: string | undefined, { json }: { readonly json: boolean }) => check(file, { json, print }));
  addConfigFlags(config.command('show'))
    .description('every setting as serve would use it, and who said so')
    .option('--json', 'as JSON', false)
    .action((flags: Flags) => show(flags, print));
}

interface CheckOutput {
  readonly json: boolean;
  readonly print: (text: string) => void;
}

async function check(file: string | undefined, { json, print }: CheckOutput): Promise<void> {
  const reading = await readConfig({ config: file }, process.env);
  if (json) print(JSON.stringify(checkReport(reading), null, 2));
  else if ('config' in reading) print([...reading.config.warnings, sentence(reading.config)].join('\n'));
  if ('config' in reading) return;
  // Printed as data already, or said by the refusal: never both.
  if (json) process.exitCode = reading.refusal.exitCode;
  else throw reading.refusal;
}

function checkReport(reading: ConfigReading): object {
  if ('refusal' in reading) {
    const { file, problems, warnings } = reading;
    return { valid: false, file, problems, warnings };
  }
  const { file, warnings } = reading.config;
  return { valid: true, file, problems: [], warnings };
}

function sentence({ file, settings }: { file: string | null; settings: readonly EffectiveSetting[] }): string {
  const given = settings.filter(({ source }) => source !== 'default').length;
  return `${file ?? 'No file'}: ${given} of ${settings.length} settings given, no problem.`;
}

async function show({ json, ...flags }: Flags, print: (text: string) => void): Promise<void> {
  const { file, warnings, settings } = await loadConfig(flags, process.env);
  if (json === true) print(JSON.stringify({ file, settings, warnings }, null, 2));
  else print([`File: ${file ?? 'none'}`, ...warnings, '', settingsTable(settings)].join('\n'));
}

function settingsTable(settings: readonly EffectiveSetting[]): string {
  const rows = settings.map(({ path, value, source, where }) => [
    path,
    value === null ? '-' : showValue(value),
    source === 'default' ? source : where,
  ]);
  return formatTable(['Setting', 'Value', 'From'], rows);
}
