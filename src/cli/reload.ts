import type { Command } from 'commander';
import { showValue } from '../config/settings.ts';
import type { ReloadReport } from '../deployment/deployment.ts';
import type { SettingChange } from '../deployment/setting-changes.ts';
import { sleep } from '../domain/clock.ts';
import { Refusal } from '../domain/refusal.ts';
import type { StatusReport } from '../gateway/reports.ts';
import { systemClock } from '../system/clock.ts';
import { createStartView, viewStyle } from './progress.ts';
import { addServerFlags, askServer, stateDirOf, type ServerFlags } from './server-client.ts';

type Print = (text: string) => void;

const POLL_MS = 250;

/** Adds `chorus reload`, which ends when the engines follow the new settings. */
export function addReloadCommand(program: Command, print: Print): void {
  addServerFlags(program.command('reload'))
    .description('read the settings of the running server again; engines that they concern follow one after another')
    .action((flags: ServerFlags) => reload(flags, print));
}

async function reload(flags: ServerFlags, print: Print): Promise<void> {
  const stateDir = await stateDirOf(flags);
  const report = await askServer<ReloadReport>(stateDir, 'POST', '/admin/reload');
  if (!flags.json) for (const line of describeReload(report)) print(line);
  const ask = (): Promise<StatusReport> => askServer<StatusReport>(stateDir, 'GET', '/admin/status');
  const held = report.plan === null ? null : await untilSettled(ask, flags.json);
  if (flags.json) print(JSON.stringify(report, null, 2));
  if (held !== null) throw new Refusal('unavailable', held);
  if (!flags.json && report.plan !== null) print('Every engine follows the settings.');
}

/** Shows the engines while they are replaced; gives why that was given up in the middle, or null. */
async function untilSettled(ask: () => Promise<StatusReport>, isQuiet: boolean): Promise<string | null> {
  const view = createStartView(process.stdout, viewStyle('auto', process.env), systemClock);
  for (;;) {
    const report = await ask();
    if (!isQuiet) view.show(() => report);
    if (report.roll?.held === null) {
      await sleep(systemClock, POLL_MS);
      continue;
    }
    view.close();
    return report.roll?.held ?? null;
  }
}

/** What a reload did, as lines for a person. */
export function describeReload({ file, warnings, changes, uncordoned, plan }: ReloadReport): readonly string[] {
  return [
    ...warnings,
    changes.length === 0
      ? `${file ?? 'No file'}: no setting has changed.`
      : `Settings of ${file ?? 'the environment'}:`,
    ...changes.map((change) => `  ${describeChange(change)}`),
    ...uncordoned.map((index) => `GPU ${index} is used again.`),
    ...(plan === null ? [] : [`Engines follow one after another: ${plan}`]),
  ];
}

const EFFECTS: Readonly<Record<SettingChange['takesEffect'], string>> = {
  at_once: 'holds from now on',
  next_start: 'holds for an engine from its next start',
  engines: 'engines follow',
  restart: 'needs a restart of Chorus; the old value stays until then',
};

function describeChange({ path, from, to, takesEffect }: SettingChange): string {
  return `${path}: ${valueInWords(from)} -> ${valueInWords(to)} (${EFFECTS[takesEffect]})`;
}

const valueInWords = (value: unknown): string => (value === null ? 'not set' : showValue(value));
