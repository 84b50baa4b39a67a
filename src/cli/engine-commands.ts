import type { Command } from 'commander';
import { Refusal } from '../domain/refusal.ts';
import type { EngineOrder } from '../gateway/operator.ts';
import type { EngineReport } from '../gateway/reports.ts';
import { systemClock } from '../system/clock.ts';
import { readyAfter, stopped, waitForEngine } from './engine-wait.ts';
import { addServerFlags, askServer, stateDirOf, type ServerFlags } from './server-client.ts';

type Print = (text: string) => void;

/** Adds `chorus drain`, `restart` and `start`. They say what happens to the engine, and end when it is done. */
export function addEngineCommands(program: Command, print: Print): void {
  addServerFlags(program.command('drain').argument('<engine>', 'its name in chorus status'))
    .description('stop an engine when its answers have finished; it stays stopped')
    .action((engineId: string, flags: ServerFlags) => runOrder('drain', [engineId], { flags, print }));
  addServerFlags(program.command('start').argument('<engine>', 'its name in chorus status'))
    .description('start an engine that was drained or has failed')
    .action((engineId: string, flags: ServerFlags) => runOrder('start', [engineId], { flags, print }));
  addServerFlags(program.command('restart').argument('[engine]', 'its name in chorus status'))
    .description('start an engine anew when its answers have finished')
    .option('--all', 'every engine, one after another; ends at the first that does not come back', false)
    .action((engineId: string | undefined, flags: RestartFlags) => restart(engineId, flags, print));
}

type RestartFlags = ServerFlags & { readonly all: boolean };

async function restart(engineId: string | undefined, { all, ...flags }: RestartFlags, print: Print): Promise<void> {
  if ((engineId === undefined) !== all) {
    throw new Refusal('usage', 'Name the engine to restart, or give --all; `chorus status` lists them.');
  }
  await runOrder('restart', engineId === undefined ? null : [engineId], { flags, print });
}

interface Call {
  readonly flags: ServerFlags;
  readonly print: Print;
}

/** One engine after another; null: all that there are. */
async function runOrder(
  order: 'drain' | 'restart' | 'start',
  named: readonly string[] | null,
  { flags, print }: Call,
): Promise<void> {
  const stateDir = await stateDirOf(flags);
  const engines = named ?? (await listEngines(stateDir)).map(({ engineId }) => engineId);
  const ends: EngineReport[] = [];
  for (const engineId of engines) {
    ends.push(
      await carryOut(order, `/admin/engines/${encodeURIComponent(engineId)}`, { stateDir, ...outputOf(flags, print) }),
    );
  }
  if (flags.json) print(JSON.stringify(named === null ? ends : ends[0], null, 2));
}

/** JSON is the end alone: a script waits for it. */
const outputOf = ({ json }: ServerFlags, print: Print): { readonly print: Print } => ({
  print: json ? () => undefined : print,
});

const listEngines = async (stateDir: string): Promise<readonly EngineReport[]> =>
  (await askServer<{ readonly engines: readonly EngineReport[] }>(stateDir, 'GET', '/admin/engines')).engines;

async function carryOut(
  order: 'drain' | 'restart' | 'start',
  path: string,
  { stateDir, print }: { readonly stateDir: string; readonly print: Print },
): Promise<EngineReport> {
  const { before, drainMs } = await askServer<EngineOrder>(stateDir, 'POST', `${path}/${order}`);
  const isRunning = order === 'start' && before.pid !== null;
  const reached = order === 'drain' ? stopped : readyAfter(before.generation - (isRunning ? 1 : 0));
  const ask = (): Promise<EngineReport> => askServer<EngineReport>(stateDir, 'GET', path);
  return waitForEngine({ reached, drainMs }, { clock: systemClock, ask, print });
}
