import { join } from 'node:path';
import { Type, type Static } from 'typebox';
import type { Placement } from '../domain/placement.ts';
import { readJsonFile, writeJsonFile } from '../system/json-file.ts';
import type { PhaseTimes } from './start-estimate.ts';

const Milliseconds = Type.Optional(Type.Number({ minimum: 0 }));
const StartRecord = Type.Object({
  /** What was started where: model, kind, and the cards by name. */
  seat: Type.String(),
  engineVersion: Type.String(),
  times: Type.Object({
    program: Milliseconds,
    weights: Milliseconds,
    compile: Milliseconds,
    graphs: Milliseconds,
    api: Milliseconds,
  }),
});
type StartRecord = Static<typeof StartRecord>;

/** More says nothing: caches, drivers and disks change. */
const STARTS_COMPARED = 3;
const RECORDS_KEPT = 60;

/** What earlier starts on this machine took, in `start-times.json` of the state directory. */
export class StartHistory {
  readonly #file: string;
  #records: readonly StartRecord[];

  /** A file that is absent or damaged is an empty history. */
  constructor(stateDir: string) {
    this.#file = join(stateDir, 'start-times.json');
    this.#records = readJsonFile(this.#file, Type.Array(StartRecord)) ?? [];
  }

  /**
   * The last starts of the same model on the same cards, newest first: those of the engine version that was last seen
   * there, since the coming one is not known before it runs.
   */
  earlier(placement: Placement): readonly PhaseTimes[] {
    const own = this.#records.filter(({ seat }) => seat === seatName(placement)).toReversed();
    const version = own[0]?.engineVersion;
    return own
      .filter(({ engineVersion }) => engineVersion === version)
      .slice(0, STARTS_COMPARED)
      .map(({ times }) => times);
  }

  /** Remembers a start that became ready, on disk too. Throws when the file cannot be written. */
  add(placement: Placement, engineVersion: string, times: PhaseTimes): void {
    const record = { seat: seatName(placement), engineVersion, times };
    this.#records = [...this.#records, record].slice(-RECORDS_KEPT);
    writeJsonFile(this.#file, this.#records);
  }
}

function seatName({ model, kind, gpus }: Placement): string {
  const [first] = gpus;
  return [model, kind, ...(first ? [`${gpus.length} x ${first.name}`] : [])].join(', ');
}
