import { describe, expect, it } from 'vitest';
import type { Finding } from '../../src/domain/gpu.ts';
import type { Plan } from '../../src/domain/placement.ts';
import { refusalOf } from '../../src/doctor/check.ts';
import { check, examine, GPU, inventory, PLAN, SEAT } from './subject.ts';

describe('driver and cards', () => {
  const broken: Finding = { code: 'x', severity: 'error', message: 'The driver is broken.', remedy: 'Reboot.' };

  it('a driver that does not answer fails, and what follows from it is skipped', () => {
    const subject = inventory({ gpus: [], findings: [broken] });
    expect(check('driver', subject)).toEqual(['fail', 'The driver is broken.', 'Reboot.']);
    for (const id of ['cuda', 'gpus', 'placement']) expect(check(id, subject)[0]).toBe('skip');
  });

  it('one card that fails beside others that work is a warning', () => {
    expect(check('driver', inventory({ findings: [broken] }))).toEqual(['warn', 'The driver is broken.', 'Reboot.']);
  });

  it('no card at all fails, and on a machine without anything of NVIDIA says what can be done there', () => {
    expect(check('driver', inventory({ gpus: [] }))[0]).toBe('fail');
    const missing: Finding = { ...broken, severity: 'warning', message: 'There is no nvidia-smi on the PATH.' };
    expect(check('driver', inventory({ gpus: [], findings: [missing], nvidiaVisible: false }))).toEqual([
      'fail',
      'Nothing of NVIDIA is visible on this machine.',
      'To try Chorus here without a GPU: chorus serve --engine simulated, or --engine cpu for vLLM on the CPU (chorus ' +
        'doctor with the same flag checks that). If there is an NVIDIA GPU, install its driver, so that nvidia-smi lists it.',
    ]);
  });

  const linked = (link: string | null) => {
    const gpus = [0, 1].map((index) => ({
      ...GPU,
      index,
      uuid: `GPU-${index}`,
      ...(link === null ? {} : { links: { [1 - index]: link } }),
    }));
    const plan = { ...PLAN, placements: [{ ...SEAT, gpus }] } as unknown as Plan;
    return { ...inventory({ gpus }), plan };
  };
  it('a replica over cards without NVLink is a warning that says how they are linked', () => {
    expect(check('links', linked('NV18'))).toEqual(['ok', 'GPUs 0 and 1 over NVLink (NV18)', null]);
    expect(check('links', linked(null))).toEqual(['skip', 'nvidia-smi does not tell how the cards are linked', null]);
    expect(check('links', linked('PHB'))).toEqual([
      'warn',
      'GPUs 0 and 1 over the PCIe bridge of the CPU (PHB), not over NVLink',
      'It works, with lower speed. Where more cards are joined by NVLink, name those with --gpus; gpt-oss-20b needs none: ' +
        '--model gpt-oss-20b. If a start hangs, set NCCL_P2P_DISABLE=1.',
    ]);
  });

  it('a driver that is unloaded while nothing runs is a warning', () => {
    expect(check('persistence', inventory({ gpus: [{ ...GPU, isUnloadedWhenIdle: true }] }))).toEqual([
      'warn',
      'The driver is unloaded from GPU 0 whenever nothing runs there, which makes every start and nvidia-smi slow.',
      'Turn persistence mode on: sudo nvidia-smi -pm 1, or the service nvidia-persistenced.',
    ]);
  });

  it('a card that the kernel log calls broken is a warning, one that it no longer has or that went on is none', () => {
    const events = [
      { kind: 'xid', address: '0000:18:00', number: 95 },
      { kind: 'xid', address: '0000:18:00', number: 95 },
      { kind: 'xid', address: '0000:18:00', number: 31 },
      { kind: 'lost', address: '0000:b3:00.0' },
    ] as const;
    expect(check('kernel_log', {}, { kernelLog: { kind: 'read', events } })).toEqual([
      'warn',
      'Since the machine started: GPU 0 (NVIDIA H100 80GB HBM3) had a memory error that may have hit every program on it ' +
        '(Xid 95).',
      'Nothing where it was reset since; else: End what uses it, then run sudo nvidia-smi --gpu-reset -i 0, or reboot.',
    ]);
    expect(check('kernel_log', {}, { kernelLog: { kind: 'read', events: events.slice(2) } })[0]).toBe('ok');
  });

  it('a kernel log that cannot be read is said, with what that means', () => {
    expect(
      check('kernel_log', {}, { kernelLog: { kind: 'unreadable', message: '/dev/kmsg cannot be read (EPERM)' } }),
    ).toEqual([
      'skip',
      '/dev/kmsg cannot be read (EPERM): faults of GPUs are seen by nvidia-smi alone, within 20 s; root or CAP_SYSLOG may ' +
        'read the kernel log',
      null,
    ]);
  });

  it('an older driver is a warning, one too old a failure', () => {
    const driver = (driverVersion: string) => inventory({ gpus: [{ ...GPU, driverVersion }] });
    expect(check('cuda', driver('570.86.15'))).toEqual([
      'warn',
      expect.stringContaining("vLLM's build for CUDA 12.9"),
      'Update the NVIDIA driver to 580 or newer.',
    ]);
    expect(check('cuda', driver('470.1'))[0]).toBe('fail');
    expect(check('cuda', inventory({ gpus: [{ ...GPU, driverVersion: null }] }))[0]).toBe('skip');
  });

  it('a card that cannot be used is a warning beside a usable one, and alone a failure', () => {
    const old = { ...GPU, index: 1, uuid: 'GPU-1', name: 'Tesla T4', computeCapability: 7.5 };
    expect(check('gpus', inventory({ gpus: [GPU, old] }))).toEqual([
      'warn',
      expect.stringMatching(/^GPU 0 \(NVIDIA H100 80GB HBM3\) is usable; GPU 1 \(Tesla T4\) is not: /),
      expect.any(String),
    ]);
    expect(check('gpus', inventory({ gpus: [old] }))[0]).toBe('fail');
  });

  it('are of no interest to the other engines', () => {
    const nothing = { ...inventory({ gpus: [], findings: [broken] }), engine: 'simulated', setup: null } as const;
    const statuses = examine(nothing).filter(({ status }) => status === 'skip');
    expect(statuses.map(({ id }) => id)).toEqual([
      'driver',
      'cuda',
      'gpus',
      'links',
      'persistence',
      'kernel_log',
      'vllm',
      'compiler',
      'weights',
      'disk',
    ]);
    expect(refusalOf(examine(nothing))).toBeNull();
  });
});
