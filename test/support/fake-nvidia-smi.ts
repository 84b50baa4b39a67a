import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A folder that stands for `/`, with a PATH of its own on which a real script answers as nvidia-smi. */
export class FakeMachine {
  readonly root: string = mkdtempSync(join(tmpdir(), 'chorus-machine-'));

  /** Gives the machine an nvidia-smi: the body of a shell script. */
  installNvidiaSmi(body: string, path = 'bin/nvidia-smi'): void {
    this.write(path, `#!/bin/sh\n${body}\n`);
    chmodSync(join(this.root, path), 0o755);
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
