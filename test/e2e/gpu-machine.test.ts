import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { processesNaming, replicasReady, startChorus, type RunningChorus } from '../support/chorus-process.ts';
import { eventually } from '../support/eventually.ts';
import { FakeMachine } from '../support/fake-nvidia-smi.ts';
import { FakeInstallers } from '../support/fake-uv.ts';
import { fakeGpus, fakeLedger } from '../support/gpu-machine/ledger.ts';

const CONFIG = new URL('../fixtures/tiny-gpt-oss/config.json', import.meta.url);

let machine: FakeMachine;
let chorus: RunningChorus | null = null;
beforeEach(() => {
  machine = new FakeMachine();
});
afterEach(() => {
  for (const line of processesNaming(machine.root)) process.kill(Number.parseInt(line, 10), 'SIGKILL');
  if (chorus) rmSync(chorus.stateDir, { recursive: true, force: true });
  chorus = null;
  machine.remove();
});

/** An environment whose `vllm` is the simulator; its interpreter. */
function installVllm(): string {
  const installers = new FakeInstallers(machine);
  installers.behave('works');
  const [uv, environment] = [join(machine.root, 'bin/uv'), join(machine.root, 'venv')];
  const python = join(environment, 'bin/python');
  execFileSync(uv, ['venv', environment]);
  execFileSync(uv, ['pip', 'install', '--python', python, 'vllm']);
  return python;
}

const usedMiB = (): string[] =>
  execFileSync(join(machine.root, 'bin/nvidia-smi'), ['--query-gpu=memory.used', '--format=csv,noheader,nounits'])
    .toString()
    .trim()
    .split('\n');

/** Serves a small checkpoint with engines that book memory in this ledger. */
async function serve(ledgerFile: string, ...flags: string[]): Promise<RunningChorus> {
  machine.write('model/config.json', readFileSync(CONFIG, 'utf8'));
  machine.write('model/model.safetensors', 'nobody reads the weights');
  const environment = {
    ...process.env,
    PATH: `${join(machine.root, 'bin')}:${process.env['PATH']}`,
    CHORUS_SIM_GPU_LEDGER: ledgerFile,
  };
  const all = ['--engine', 'gpu', '--python', installVllm(), '--model-path', join(machine.root, 'model'), ...flags];
  chorus = await startChorus(all, undefined, environment);
  return chorus;
}

it('engines on a machine with eight H100 book their memory, and a stop frees it', { timeout: 90_000 }, async () => {
  machine.installGpus(fakeLedger(fakeGpus(8, 'h100')));
  const running = await serve(machine.ledgerFile, '--gpus', '2,3,6,GPU-00000007', '--tensor-parallel', '2');
  const { engines } = await replicasReady(running, 2, 60_000);
  expect(engines.map(({ kind }) => kind)).toEqual(['gpu', 'gpu']);
  const share = String(Math.round((81_559 - 478) * 0.92));
  expect(usedMiB()).toEqual(['0', '0', share, share, '0', '0', share, share]);
  expect(await running.stop()).toBe(0);
  expect(usedMiB()).toEqual(Array.from({ length: 8 }, () => '0'));
});

it('a card that others fill between plan and start is told in words of vLLM', { timeout: 60_000 }, async () => {
  const gpus = fakeGpus(1, 'l4');
  machine.installGpus(fakeLedger(gpus));
  const intruder = { pid: 21_180, uuid: gpus[0]?.uuid ?? '', bytes: 20e9, isForeign: true };
  // A ledger of its own for the engines: nvidia-smi, and so the plan, know nothing of the intruder.
  machine.write('later.json', JSON.stringify(fakeLedger(gpus, { bookings: [intruder] })));
  const running = await serve(join(machine.root, 'later.json'));
  await eventually('the reason', 30_000, () => running.output().includes('less than desired GPU memory') || null);
  await running.stop();
});
