import { readFileSync } from 'node:fs';
import { request } from 'undici';
import { sleep } from '../../src/domain/clock.ts';
import { groupMembers, identify, isAlive } from '../../src/system/process-group.ts';
import { systemClock } from '../../src/system/clock.ts';
import type { EngineStatus } from '../../src/engine/status.ts';
import type { Random } from '../harmony/random.ts';
import type { Service } from './service.ts';

/** Something bad that is done to the service. Resolves when it has been done and, where it is passing, is over. */
interface Hazard {
  readonly name: string;
  /** How often it comes, in comparison with the others. */
  readonly weight: number;
  readonly needsSmallDisk?: boolean;
  readonly act: (service: Service, random: Random) => Promise<void>;
}

const HAZARDS: readonly Hazard[] = [
  { name: 'kill -9 of an API server', weight: 3, act: (service, random) => kill(service, random, null) },
  { name: 'kill -9 of an EngineCore', weight: 3, act: (service, random) => kill(service, random, 'VLLM::EngineCor') },
  { name: 'kill -9 of a worker', weight: 2, act: (service, random) => kill(service, random, 'VLLM::Worker') },
  { name: 'freeze of an EngineCore', weight: 3, act: (service, random) => freeze(service, random, 'VLLM::EngineCor') },
  { name: 'freeze of an API server', weight: 2, act: (service, random) => freeze(service, random, null) },
  { name: 'a hang that /health denies', weight: 1, act: (service, random) => fault(service, random, { freeze: true }) },
  { name: 'slow decoding', weight: 1, act: (service, random) => fault(service, random, { tokenIntervalMs: 100 }) },
  { name: 'slow /health', weight: 1, act: (service, random) => fault(service, random, { healthDelayMs: 2000 }) },
  { name: 'flood of a log', weight: 1, act: (service, random) => fault(service, random, { logMegabytes: 20 }) },
  { name: 'restart by an operator', weight: 1, act: (service, random) => order(service, random, ['restart']) },
  { name: 'drain by an operator', weight: 1, act: (service, random) => order(service, random, ['drain', 'start']) },
  { name: 'full disk', weight: 2, needsSmallDisk: true, act: fillDisk },
];

/** The next hazard; never the death of Chorus itself, whose times are chosen by the run. */
export function nextHazard(random: Random, hasSmallDisk: boolean): Hazard {
  const possible = HAZARDS.filter(({ needsSmallDisk }) => hasSmallDisk || needsSmallDisk !== true);
  return random.pick(possible.flatMap((hazard) => Array.from({ length: hazard.weight }, () => hazard)));
}

/** An engine that serves, so that what is done to it matters; null while there is none. */
async function victim(service: Service, random: Random): Promise<EngineStatus | null> {
  const { engines } = await service.chorus.status();
  const ready = engines.filter(({ phase }) => phase === 'ready');
  return ready.length === 0 ? null : random.pick(ready);
}

/** The leader of an engine's group, or the member of this name. */
function memberOf({ pid }: EngineStatus, name: string | null): number | null {
  if (pid === null || name === null) return pid;
  return groupMembers(pid).find((member) => nameOf(member) === name) ?? null;
}

function nameOf(pid: number): string | null {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return null; // it ended meanwhile
  }
}

async function kill(service: Service, random: Random, name: string | null): Promise<void> {
  const engine = await victim(service, random);
  const pid = engine && memberOf(engine, name);
  if (pid !== null) process.kill(pid, 'SIGKILL');
}

/** Shorter and longer than an engine may be silent. */
async function freeze(service: Service, random: Random, name: string | null): Promise<void> {
  const engine = await victim(service, random);
  const pid = engine && memberOf(engine, name);
  if (pid === null) return;
  const frozen = identify(pid);
  process.kill(pid, 'SIGSTOP');
  await sleep(systemClock, random.between(500, 8000));
  if (isAlive(frozen)) process.kill(pid, 'SIGCONT');
}

/** Until it has told; a frozen engine stays so until it is replaced. */
async function fault(service: Service, random: Random, faults: object): Promise<void> {
  const engine = await victim(service, random);
  if (engine === null) return;
  service.faults.set(engine.engineId, faults);
  await sleep(systemClock, random.between(1000, 5000));
  service.faults.set(engine.engineId, {});
}

/** What `chorus restart`, `drain` and `start` ask for, with a while between. */
async function order(service: Service, random: Random, orders: readonly string[]): Promise<void> {
  const engine = await victim(service, random);
  if (engine === null) return;
  for (const name of orders) {
    const url = `${service.chorus.url}/admin/engines/${engine.engineId}/${name}`;
    const { body } = await request(url, { method: 'POST' });
    await body.dump();
    await sleep(systemClock, random.between(2000, 6000));
  }
}

async function fillDisk(service: Service, random: Random): Promise<void> {
  const free = service.fillDisk();
  await sleep(systemClock, random.between(2000, 8000));
  free();
}
