import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Faults } from '../../src/sim/faults.ts';

/** Where the simulated engines of one Chorus read what they are to suffer. */
export class FaultFolder {
  readonly #path = mkdtempSync(join(tmpdir(), 'chorus-faults-'));

  /** Flags of `chorus serve` that make its engines look here. */
  get flags(): readonly string[] {
    return ['--engine-arg=--sim-faults', `--engine-arg=${this.#path}`];
  }

  /** What this engine suffers from within a tenth of a second on, in its later starts too, in place of what it had. */
  set(engineId: string, faults: Faults): void {
    const file = join(this.#path, `${engineId}.json`);
    writeFileSync(`${file}.part`, JSON.stringify(faults));
    renameSync(`${file}.part`, file);
  }

  remove(): void {
    rmSync(this.#path, { recursive: true, force: true });
  }
}
