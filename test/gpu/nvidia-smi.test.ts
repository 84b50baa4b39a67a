import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Finding, Gpu } from '../../src/domain/gpu.ts';
import { MiB } from '../../src/domain/units.ts';
import { detectInventory, type DetectOptions } from '../../src/gpu/detect-inventory.ts';
import { FakeMachine } from '../support/fake-nvidia-smi.ts';

const FIXTURES = new URL('../fixtures/nvidia-smi/', import.meta.url).pathname;
const UUID = 'GPU-00000000-0000-0000-0000-000000000000';

let machine: FakeMachine;
beforeEach(() => {
  machine = new FakeMachine();
});
afterEach(() => machine.remove());

const detect = (options: DetectOptions = {}) =>
  detectInventory({ root: machine.root, env: machine.env(), deadlineMs: 60_000, ...options });

/** `cat` is not on the fake machine's PATH: the shell itself prints. */
const prints = (file: string): string => {
  const text = readFileSync(join(FIXTURES, file), 'utf8');
  return `printf '%s' '${text}'`;
};

const H100: Gpu = {
  index: 0,
  uuid: UUID,
  name: 'NVIDIA H100 80GB HBM3',
  pciBusId: '00000000:00:09.0',
  driverVersion: '590.48.01',
  computeCapability: 9,
  totalBytes: 81559 * MiB,
  freeBytes: 81081 * MiB,
  usedBytes: 0,
  migEnabled: false,
  displayActive: false,
};

describe('what nvidia-smi lists', () => {
  it.for<[string, Gpu]>([
    ['h100.csv', H100],
    ['h100-mig.csv', { ...H100, freeBytes: 81022 * MiB, usedBytes: 59 * MiB, migEnabled: true }],
    [
      'h200.csv',
      {
        ...H100,
        name: 'NVIDIA H200',
        pciBusId: '00000000:83:00.0',
        totalBytes: 143771 * MiB,
        freeBytes: 143158 * MiB,
      },
    ],
    [
      'rtx-4080-display.csv',
      {
        ...H100,
        name: 'NVIDIA GeForce RTX 4080 SUPER',
        pciBusId: '00000000:01:00.0',
        driverVersion: '595.71.05',
        computeCapability: 8.9,
        totalBytes: 16376 * MiB,
        freeBytes: 15348 * MiB,
        usedBytes: 596 * MiB,
        displayActive: true,
      },
    ],
    [
      'l40s.csv',
      {
        ...H100,
        name: 'NVIDIA L40S',
        pciBusId: '00000000:01:00.0',
        driverVersion: '595.80',
        computeCapability: 8.9,
        totalBytes: 46068 * MiB,
        freeBytes: 45460 * MiB,
      },
    ],
    [
      'rtx-2080-super-610.csv',
      {
        ...H100,
        name: 'NVIDIA GeForce RTX 2080 SUPER',
        pciBusId: '00000000:0C:00.0',
        driverVersion: '610.57.04',
        computeCapability: 7.5,
        totalBytes: 8192 * MiB,
        freeBytes: 7582 * MiB,
        usedBytes: 211 * MiB,
      },
    ],
    [
      'gb10.csv',
      {
        ...H100,
        name: 'NVIDIA GB10',
        pciBusId: '0000000F:01:00.0',
        driverVersion: '580.95.05',
        computeCapability: 12.1,
        totalBytes: 120 * 1024 * MiB,
        freeBytes: 100 * 1024 * MiB,
        usedBytes: 20 * 1024 * MiB,
        unifiedMemory: true,
      },
    ],
  ])('reads %s, and takes what is not told as unknown, not as 0', async ([file, gpu]) => {
    machine.write('proc/meminfo', 'MemTotal:       125829120 kB\nMemAvailable:   104857600 kB\n');
    machine.installNvidiaSmi(prints(file));
    const { gpus, findings, nvidiaVisible } = await detect();
    expect({ gpus, findings, nvidiaVisible }).toEqual({ gpus: [gpu], findings: [], nvidiaVisible: true });
  });

  it.for(['[Not Supported]', '[Unknown Error]', '[GPU requires reset]', 'ERR!', 'N/A', ''])(
    'takes the cell "%s" as unknown',
    async (cell) => {
      machine.installNvidiaSmi(
        `echo '0, ${UUID}, ${cell}, NVIDIA L4, ${cell}, ${cell}, ${cell}, ${cell}, ${cell}, ${cell}, ${cell}'`,
      );
      const { gpus } = await detect();
      const unknown = {
        pciBusId: '',
        driverVersion: null,
        computeCapability: null,
        totalBytes: null,
        freeBytes: null,
        usedBytes: null,
      };
      expect(gpus).toEqual([{ ...H100, name: 'NVIDIA L4', ...unknown }]);
    },
  );

  it('is asked for in one query, and health and processes apart, in the C locale', async () => {
    machine.installNvidiaSmi(`echo "$LC_ALL $*" >> '${machine.root}/call'; ${prints('h100.csv')}`);
    await detect({ env: machine.env({ LC_ALL: 'de_DE.UTF-8' }) });
    const format = '--format=csv,noheader,nounits';
    expect(readFileSync(join(machine.root, 'call'), 'utf8').trim().split('\n')).toEqual([
      'C --query-gpu=index,uuid,pci.bus_id,name,driver_version,compute_cap,memory.total,memory.used,memory.free,' +
        `mig.mode.current,display_active ${format}`,
      'C --query-gpu=uuid,gpu_recovery_action,ecc.errors.uncorrected.volatile.total,remapped_rows.pending,' +
        `remapped_rows.failure,retired_pages.pending,clocks_event_reasons.active,persistence_mode ${format}`,
      `C --query-compute-apps=gpu_uuid,pid,used_gpu_memory,process_name ${format}`,
    ]);
  });

  it('is looked for where WSL keeps it when the PATH has none', async () => {
    machine.installNvidiaSmi(prints('h100.csv'), 'usr/lib/wsl/lib/nvidia-smi');
    expect((await detect()).gpus).toEqual([H100]);
  });
});

describe('a failing nvidia-smi', () => {
  interface KnownFailure {
    readonly code: string;
    readonly exitCode: number;
    readonly text: string;
    readonly quoted: string;
  }
  const known = JSON.parse(readFileSync(join(FIXTURES, 'failures.json'), 'utf8')) as KnownFailure[];
  const failures: [code: string, body: string, quoted: string][] = [
    ...known.map(({ code, exitCode, text, quoted }): [string, string, string] => [
      code,
      `${text === '' ? '' : `echo '${text.replaceAll("'", `'"'"'`)}'; `}exit ${exitCode}`,
      quoted,
    ]),
    ['no_devices', 'echo "No devices were found" >&2; exit 6', 'No devices were found'],
    ['nvidia_smi_crashed', 'kill -SEGV $$', 'nvidia-smi crashes'],
    ['nvidia_smi_failed', 'kill -BUS $$', 'SIGBUS'],
  ];

  it.for(failures)('%s is a finding with a remedy: %s', async ([code, body, quoted]) => {
    machine.installNvidiaSmi(body);
    const { gpus, findings, nvidiaVisible } = await detect();
    expect({ gpus, nvidiaVisible, codes: findings.map((finding) => [finding.code, finding.severity]) }).toEqual({
      gpus: [],
      nvidiaVisible: false,
      codes: [[code, 'error']],
    });
    expect(findings[0]?.message).toContain(quoted);
    expect(findings[0]?.remedy).toMatch(/^[A-Z].{10,}\.$/);
  });

  it.for<[table: string, message: string]>([
    ['table-b200.txt', '1 card (GPU 0: NVIDIA B200, 179.1 GiB), but driver 580.95.05'],
    [
      'table-h100-610.txt',
      '2 cards (GPU 0: NVIDIA H100 80GB HBM3, 79.6 GiB, GPU 1: NVIDIA GB10), but driver 610.57.04',
    ],
  ])('of the list alone still shows the cards in its table: %s', async ([table, message]) => {
    machine.installNvidiaSmi(`case "$1" in '') ${prints(table)} ;; *) echo 'Invalid combination'; exit 2 ;; esac`);
    const { gpus, findings } = await detect();
    expect([gpus, findings]).toEqual([
      [],
      [
        {
          code: 'list_refused',
          severity: 'error',
          message: `The table of nvidia-smi shows ${message} refuses to list them for programs.`,
          remedy: 'Update the NVIDIA driver: vLLM needs 580 or newer.',
        },
      ],
    ]);
  });

  it('of a field that a driver does not know costs that field, not the cards', async () => {
    const fields = 'driver_version display_active'.split(' ');
    const row = '0, GPU-1, 00000000:01:00.0, NVIDIA L4, 8.9, 23034, 0, 22584, [N/A]';
    const refusals = fields.map(
      (field) => `*${field}*) echo 'Field "${field}" is not a valid field to query.'; exit 2 ;;`,
    );
    machine.installNvidiaSmi(
      `case "$1" in --version) ${prints('version-610.txt')} ;; ${refusals.join(' ')} *compute_cap*) echo '${row}' ;; esac`,
    );
    const { gpus, findings } = await detect();
    expect([gpus.map(({ name, driverVersion }) => [name, driverVersion]), findings]).toEqual([
      [['NVIDIA L4', '610.57.04']],
      [],
    ]);
  });

  it('on the PATH of WSL gives way to the one of Windows', async () => {
    machine.installNvidiaSmi('kill -SEGV $$');
    machine.installNvidiaSmi(prints('h100.csv'), 'usr/lib/wsl/lib/nvidia-smi');
    const { gpus, findings } = await detect();
    expect([gpus, findings]).toEqual([[H100], []]);
  });

  it('keeps the cards that it listed before one was lost', async () => {
    machine.installNvidiaSmi(`${prints('one-card-lost.txt')}; exit 15`);
    const { gpus, findings } = await detect();
    expect([gpus.map(({ name }) => name), findings.map(({ code }) => code)]).toEqual([
      ['NVIDIA A100-SXM4-40GB'],
      ['gpu_lost'],
    ]);
  });

  it('that prints something else than rows is a finding that quotes it', async () => {
    machine.installNvidiaSmi(`${prints('h100.csv')}; echo; echo 'Mystery: 42'`);
    const { gpus, findings } = await detect();
    expect([gpus, findings]).toEqual([
      [H100],
      [
        {
          code: 'nvidia_smi_unreadable',
          severity: 'warning',
          message: 'nvidia-smi listed something that is not understood: Mystery: 42',
          remedy: 'Run nvidia-smi by hand; a card that shows errors there is not used.',
        } satisfies Finding,
      ],
    ]);
  });

  it('that is not there is a warning, and an error where something of NVIDIA is visible', async () => {
    const alone = await detect();
    machine.write('dev/nvidia0', '');
    const visible = await detect();
    expect([alone, visible].map(({ findings }) => findings.map(({ code, severity }) => [code, severity]))).toEqual([
      [['nvidia_smi_missing', 'warning']],
      [
        ['nvidia_smi_missing', 'error'],
        ['nvidia_visible', 'warning'],
      ],
    ]);
  });
});

describe('an nvidia-smi that hangs', () => {
  it('is given up at the deadline and killed', async () => {
    machine.installNvidiaSmi(`echo $$ > '${machine.root}/pid'; exec /bin/sleep 60`);
    const { gpus, findings } = await detect({ deadlineMs: 300 });
    expect([gpus, findings.map(({ code, message }) => [code, message])]).toEqual([
      [],
      [['nvidia_smi_hung', 'nvidia-smi did not answer within 0.3 s.']],
    ]);
    const pid = Number(readFileSync(join(machine.root, 'pid'), 'utf8'));
    await expect.poll(() => isRunning(pid), { timeout: 5000 }).toBe(false);
  });

  it('is given up at the deadline even when a process that SIGKILL does not reach holds its output open', async () => {
    machine.installNvidiaSmi(`/bin/sleep 60 & echo $! > '${machine.root}/pid'; wait`);
    const startedMs = performance.now();
    const { findings } = await detect({ deadlineMs: 300 });
    expect(findings.map(({ code }) => code)).toEqual(['nvidia_smi_hung']);
    expect(performance.now() - startedMs).toBeLessThan(5000);
    process.kill(Number(readFileSync(join(machine.root, 'pid'), 'utf8')), 'SIGKILL');
  });
});

function isRunning(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
