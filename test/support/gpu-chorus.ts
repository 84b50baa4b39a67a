import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { EnginePolicy } from '../../src/engine/policy.ts';
import { killProcessesNaming, startChorus, startQuickChorus, type RunningChorus } from './chorus-process.ts';
import { FakeMachine } from './fake-nvidia-smi.ts';
import { FakeInstallers } from './fake-uv.ts';
import type { FakeMachineLedger } from './gpu-machine/ledger.ts';

const CONFIG = new URL('../fixtures/tiny-gpt-oss/config.json', import.meta.url);
const SIMULATOR = new URL('../../src/sim/main.ts', import.meta.url).pathname;

interface Choices {
  /** Default: the one that nvidia-smi reads. */
  readonly ledgerFile?: string;
  readonly policy?: Partial<EnginePolicy>;
}

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

  /** A process of somebody else takes memory of the first card. */
  occupy(pid: number, bytes: number): void {
    const { gpus, bookings } = this.#ledger();
    this.machine.changeGpus({ bookings: [...bookings, { pid, uuid: gpus[0]?.uuid ?? '', bytes, isForeign: true }] });
  }

  /** It is gone. */
  vacate(pid: number): void {
    this.machine.changeGpus({ bookings: this.#ledger().bookings.filter((booking) => booking.pid !== pid) });
  }

  /** Starts it; its engines book memory in `ledgerFile`. `policy` shortens waiting times of its engines. */
  async serve(flags: readonly string[] = [], { ledgerFile, policy }: Choices = {}): Promise<RunningChorus> {
    const { root } = this.machine;
    const environment = {
      ...process.env,
      PATH: `${join(root, 'bin')}:${process.env['PATH']}`,
      CHORUS_SIM_GPU_LEDGER: ledgerFile ?? this.machine.ledgerFile,
    };
    const own = ['--engine', 'gpu', '--python', this.#python, '--model-path', join(root, 'model')];
    const all = [...own, ...flags];
    this.#running = await (policy
      ? startQuickChorus(policy, all, environment)
      : startChorus(all, undefined, environment));
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
    killProcessesNaming(this.machine.root);
    if (this.#running) rmSync(this.#running.stateDir, { recursive: true, force: true });
    this.machine.remove();
  }

  #ledger(): FakeMachineLedger {
    return JSON.parse(readFileSync(this.machine.ledgerFile, 'utf8')) as FakeMachineLedger;
  }
}
