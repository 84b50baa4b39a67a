import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { processesNaming, startChorus, type RunningChorus } from './chorus-process.ts';
import { FakeMachine } from './fake-nvidia-smi.ts';
import { FakeInstallers } from './fake-uv.ts';
import type { FakeMachineLedger } from './gpu-machine/ledger.ts';

const CONFIG = new URL('../fixtures/tiny-gpt-oss/config.json', import.meta.url);
const SIMULATOR = new URL('../../src/sim/main.ts', import.meta.url).pathname;

/** A machine with cards in a ledger, a `vllm` that is the simulator, and a Chorus that serves a small model from them. */
export class GpuChorus {
  readonly machine: FakeMachine = new FakeMachine();
  readonly #python: string;
  #running: RunningChorus | null = null;

  constructor(ledger: FakeMachineLedger) {
    const { machine } = this;
    machine.installGpus(ledger);
    machine.write('model/config.json', readFileSync(CONFIG, 'utf8'));
    machine.write('model/model.safetensors', 'nobody reads the weights');
    new FakeInstallers(machine).behave('works');
    const [uv, environment] = [join(machine.root, 'bin/uv'), join(machine.root, 'venv')];
    this.#python = join(environment, 'bin/python');
    execFileSync(uv, ['venv', environment]);
    execFileSync(uv, ['pip', 'install', '--python', this.#python, 'vllm']);
  }

  /** Puts lines of shell before every start of an engine; `$@` is its command line. */
  beforeEngine(lines: string): void {
    this.machine.installNvidiaSmi(`${lines}\nexec '${process.execPath}' '${SIMULATOR}' "$@"`, 'venv/bin/vllm');
  }

  /** Starts it; its engines book memory in `ledgerFile`. */
  async serve(flags: readonly string[] = [], ledgerFile: string = this.machine.ledgerFile): Promise<RunningChorus> {
    const { root } = this.machine;
    const environment = {
      ...process.env,
      PATH: `${join(root, 'bin')}:${process.env['PATH']}`,
      CHORUS_SIM_GPU_LEDGER: ledgerFile,
    };
    const own = ['--engine', 'gpu', '--python', this.#python, '--model-path', join(root, 'model')];
    this.#running = await startChorus([...own, ...flags], undefined, environment);
    return this.#running;
  }

  /** Used memory of every card in MiB, as nvidia-smi says it. */
  usedMiB(): number[] {
    const query = ['--query-gpu=memory.used', '--format=csv,noheader,nounits'];
    const rows = execFileSync(join(this.machine.root, 'bin/nvidia-smi'), query).toString().trim().split('\n');
    return rows.map(Number);
  }

  /** Ends whatever is left, and removes all folders. */
  remove(): void {
    for (const line of processesNaming(this.machine.root)) process.kill(Number.parseInt(line, 10), 'SIGKILL');
    if (this.#running) rmSync(this.#running.stateDir, { recursive: true, force: true });
    this.machine.remove();
  }
}
