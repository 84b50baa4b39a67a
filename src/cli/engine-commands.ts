import type { Command } from 'commander';
import { Refusal } from '../domain/refusal.ts';
import type { EngineOrder } from '../gateway/operator.ts';
import type { EngineReport, StatusReport } from '../gateway/reports.ts';
import { systemClock } from '../system/clock.ts';
import { readyAfter, stopped, waitForEngine, type EngineGoal } from './engine-wait.ts';
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

type Order = 'drain' | 'restart' | 'start';
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

/** One engine after another; null: all but those that were stopped on purpose. */
async function runOrder(order: Order, named: readonly string[] | null, { flags, print }: Call): Promise<void> {
  const stateDir = await stateDirOf(flags);
  const engines = named ?? (await startedEngines(stateDir));
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

async function startedEngines(stateDir: string): Promise<readonly string[]> {
  const { engines } = await askServer<Pick<StatusReport, 'engines'>>(stateDir, 'GET', '/admin/engines');
  return engines.filter(({ phase }) => phase !== 'stopped').map(({ engineId }) => engineId);
}

async function carryOut(
  order: Order,
  path: string,
  { stateDir, print }: { readonly stateDir: string; readonly print: Print },
): Promise<EngineReport> {
  const { before, drainMs } = await askServer<EngineOrder>(stateDir, 'POST', `${path}/${order}`);
  if (order === 'start' && BEING_STOPPED.includes(before.phase)) {
    throw new Refusal('temporary', `${before.engineId} is just being stopped. Start it when that has ended.`);
  }
  const ask = (): Promise<EngineReport> => askServer<EngineReport>(stateDir, 'GET', path);
  return waitForEngine({ reached: goalOf(order, before), drainMs }, { clock: systemClock, ask, print });
}

const BEING_STOPPED: readonly EngineReport['phase'][] = ['draining', 'stopping', 'sweeping'];

/** Of one elsewhere, which has no process here. */
const AT_REST: readonly EngineReport['phase'][] = ['idle', 'backoff', 'failed', 'stopped'];

function goalOf(order: Order, { generation, kind, pid, phase }: EngineReport): EngineGoal['reached'] {
  switch (order) {
    case 'drain':
      return stopped;
    case 'restart':
      return readyAfter(generation, 'ready again');
    case 'start':
      // One that runs is left alone: its present start counts.
      return readyAfter(
        (kind === 'remote' ? AT_REST.includes(phase) : pid === null) ? generation : generation - 1,
        'ready',
      );
  }
}
