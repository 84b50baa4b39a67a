import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FakeMachineLedger } from './gpu-machine/ledger.ts';

const NVIDIA_SMI = fileURLToPath(new URL('gpu-machine/nvidia-smi.ts', import.meta.url));

/** A folder that stands for `/`, with a PATH of its own on which a real script answers as nvidia-smi. */
export class FakeMachine {
  readonly root: string = mkdtempSync(join(tmpdir(), 'chorus-machine-'));

  /** Gives the machine an nvidia-smi: the body of a shell script. */
  installNvidiaSmi(body: string, path = 'bin/nvidia-smi'): void {
    this.write(path, `#!/bin/sh\n${body}\n`);
    chmodSync(join(this.root, path), 0o755);
  }

  /** Gives the machine GPUs: an nvidia-smi that answers from a ledger, in which simulated engines book memory. */
  installGpus(ledger: FakeMachineLedger): void {
    this.write('gpus.json', JSON.stringify(ledger));
    this.installNvidiaSmi(`exec '${process.execPath}' '${NVIDIA_SMI}' '${this.ledgerFile}' "$@"`);
  }

  /** What `CHORUS_SIM_GPU_LEDGER` names, so that simulated engines book memory. */
  get ledgerFile(): string {
    return join(this.root, 'gpus.json');
  }

  /** Changes what the machine does from now on, beside what is booked. */
  changeGpus(changes: Partial<FakeMachineLedger>): void {
    const ledger = JSON.parse(readFileSync(this.ledgerFile, 'utf8')) as FakeMachineLedger;
    this.write('gpus.json', JSON.stringify({ ...ledger, ...changes }));
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), text);
  }

  /** An environment in which only this machine's nvidia-smi can be found. */
  env(more: Record<string, string> = {}): Record<string, string> {
    return { PATH: join(this.root, 'bin'), ...more };
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
