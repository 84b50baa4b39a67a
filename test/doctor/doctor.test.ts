import { describe, expect, it } from 'vitest';
import type { Finding, Gpu, Inventory } from '../../src/domain/gpu.ts';
import type { Plan } from '../../src/domain/placement.ts';
import { GiB, MiB } from '../../src/domain/units.ts';
import { refusalOf, type DoctorCheck } from '../../src/doctor/check.ts';
import { readMachineFacts, type MachineFacts } from '../../src/doctor/machine-facts.ts';
import { judge, type DoctorSubject } from '../../src/doctor/run-doctor.ts';
import type { SetupPlan } from '../../src/setup/setup-plan.ts';
import { SETUP_WISH } from '../support/setup-wish.ts';

const GPU: Gpu = {
  index: 0,
  uuid: 'GPU-0',
  name: 'NVIDIA H100 80GB HBM3',
  pciBusId: '00000000:18:00.0',
  driverVersion: '590.48.01',
  computeCapability: 9,
  totalBytes: 80 * GiB,
  freeBytes: 79 * GiB,
  usedBytes: 0,
  migEnabled: false,
  displayActive: false,
};

const INVENTORY: Inventory = {
  gpus: [GPU],
  host: { cpuModel: 'Xeon', cpuCount: 8, hasAmx: true, totalBytes: 64 * GiB, availableBytes: 60 * GiB },
  findings: [],
  nvidiaVisible: true,
};

const SEAT = { engineId: 'e0', gpus: [{ index: 0, uuid: 'GPU-0', name: 'H100' }] };
const PLAN = {
  model: 'gpt-oss-20b',
  placements: [SEAT],
  rejections: [],
  summary: 'gpt-oss-20b on GPU 0.',
} as unknown as Plan;

const SETUP: SetupPlan = {
  wish: SETUP_WISH,
  environment: { kind: 'existing', python: '/v/bin/python', version: '0.32.0', reason: 'It is there.' },
  model: { kind: 'existing', path: '/m', reason: 'It is there.' },
  requiredBytes: 0,
  freeBytes: 100 * GiB,
  notices: [],
  blockers: [],
};

/** A machine on which nothing is wrong. */
const FACTS: MachineFacts = {
  nodeVersion: '24.21.0',
  platform: 'linux',
  architecture: 'x64',
  glibcVersion: '2.39',
  compiler: '/usr/bin/cc',
  vocabularySha256: '446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d',
  port: { kind: 'free' },
  stateParent: { folder: '/state', isWritable: true },
  sharedMemoryBytes: 64 * MiB,
  maxOpenFiles: 65_536,
  maxLockedBytes: Infinity,
  kernelLogProblem: null,
  leftovers: [],
};

const SUBJECT: DoctorSubject = {
  engine: 'gpu',
  inventory: INVENTORY,
  plan: PLAN,
  setup: SETUP,
  stateDir: '/state',
  host: '127.0.0.1',
  port: 8000,
};

const examine = (subject: Partial<DoctorSubject> = {}, facts: Partial<MachineFacts> = {}): readonly DoctorCheck[] =>
  judge({ ...SUBJECT, ...subject }, { ...FACTS, ...facts });
/** The check of this id, as status, value and fix. */
const check = (id: string, ...given: Parameters<typeof examine>): readonly (string | null)[] => {
  const found = examine(...given).find((one) => one.id === id);
  return found === undefined ? [] : [found.status, found.value, found.fix];
};
const inventory = (changes: Partial<Inventory>): Partial<DoctorSubject> => ({
  inventory: { ...INVENTORY, ...changes },
});
const setup = (changes: Partial<SetupPlan>): Partial<DoctorSubject> => ({ setup: { ...SETUP, ...changes } });

it('finds nothing wrong with a machine on which nothing is wrong', () => {
  expect(examine().map(({ id, status }) => `${id} ${status}`)).toEqual([
    'node ok',
    'system ok',
    'driver ok',
    'cuda ok',
    'gpus ok',
    'links skip',
    'persistence ok',
    'kernel_log ok',
    'placement ok',
    'vllm ok',
    'compiler ok',
    'weights ok',
    'disk ok',
    'vocabulary ok',
    'port ok',
    'state_directory ok',
    'shared_memory ok',
    'limits ok',
    'memory ok',
    'leftovers ok',
  ]);
  expect(refusalOf(examine())).toBeNull();
});

it('refuses with every failed check and its fix', () => {
  const refusal = refusalOf(
    examine({}, { nodeVersion: '22.1.0', port: { kind: 'taken', holder: 'nginx (pid 7)' }, leftovers: [4] }),
  );
  expect(refusal?.exitCode).toBe(69);
  expect(refusal?.message.split('\n')).toEqual([
    'This machine cannot serve yet:',
    '  node: Node.js 22.1.0 Install Node.js 24.12 or newer.',
    '  port: 127.0.0.1:8000 is taken by nginx (pid 7). End it, or choose another port with --port.',
  ]);
});

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

  it('a kernel log that cannot be read is said, with what that means', () => {
    expect(check('kernel_log', {}, { kernelLogProblem: '/dev/kmsg cannot be read (EPERM)' })).toEqual([
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

it('a model that fits nowhere fails with the smallest change that helps', () => {
  const plan = {
    ...PLAN,
    placements: [],
    summary: 'Nothing fits.',
    rejections: [{ subject: 'GPU 0', code: 'c', reason: 'full', remedy: 'End the other program.' }],
  };
  expect(check('placement', { plan })).toEqual(['fail', 'Nothing fits.', 'End the other program.']);
});

describe('what is installed and downloaded', () => {
  const remedy = 'Do this.';
  const blocker = (code: string) => setup({ environment: null, blockers: [{ code, sentence: 'No.', remedy }] });

  it('vLLM that is missing is no failure while it can be installed', () => {
    const environment = {
      kind: 'install',
      version: '0.32.0',
      installer: 'uv',
      estimatedBytes: 10 * GiB,
    } as SetupPlan['environment'];
    expect(check('vllm', setup({ environment }))).toEqual([
      'ok',
      'not installed yet: serve and setup install 0.32.0 with uv, about 10.0 GiB',
      null,
    ]);
    for (const code of ['python_missing', 'venv_missing', 'vllm_unusable']) {
      expect(check('vllm', blocker(code))).toEqual(['fail', 'No.', remedy]);
    }
  });

  it('a vLLM of another version is a warning', () => {
    const notices = ['vLLM 0.30.0 is used as it is; Chorus is tested with 0.32.0.'];
    expect(check('vllm', setup({ notices }))[0]).toBe('warn');
  });

  it('weights fail when nobody gives them', () => {
    const model: SetupPlan['model'] = {
      kind: 'download',
      repository: 'openai/gpt-oss-20b',
      endpoint: 'https://huggingface.co',
      folder: '/f',
      listing: null,
      hubProblem: 'The hub is away. Wait.',
      totalBytes: 12 * GiB,
      missingBytes: 12 * GiB,
      reason: '',
    };
    expect(check('weights', setup({ model }))).toEqual([
      'fail',
      'gpt-oss-20b is not here, and the hub does not give it.',
      'The hub is away. Wait.',
    ]);
    expect(check('weights', setup({ model: { ...model, hubProblem: null } }))).toEqual([
      'ok',
      'not here yet: serve and setup download 12.0 GiB from https://huggingface.co',
      null,
    ]);
    const offline = [{ code: 'offline', sentence: 'No.', remedy }];
    expect(check('weights', setup({ model, blockers: offline }))).toEqual(['fail', 'No.', remedy]);
  });

  it('a disk that is too small fails, one that is nearly full is a warning', () => {
    expect(check('disk', blocker('disk_full'))).toEqual(['fail', 'No.', remedy]);
    expect(check('disk', setup({ requiredBytes: 98 * GiB }))).toEqual([
      'warn',
      '100.0 GiB are free at /state, 98.0 GiB are needed.',
      'Make room: caches and logs want 5.0 GiB more.',
    ]);
    expect(check('disk', setup({ freeBytes: null }))[0]).toBe('skip');
  });
});

describe('the machine', () => {
  it.each([
    ['system', { platform: 'darwin' }, 'fail'],
    ['system', { architecture: 'ppc64' }, 'fail'],
    ['system', { glibcVersion: null }, 'warn'],
    ['system', { glibcVersion: '2.31' }, 'warn'],
    ['compiler', { compiler: null }, 'warn'],
    ['vocabulary', { vocabularySha256: null }, 'fail'],
    ['vocabulary', { vocabularySha256: 'other' }, 'fail'],
    ['port', { port: { kind: 'unusable', message: 'EACCES' } }, 'fail'],
    ['state_directory', { stateParent: { folder: '/', isWritable: false } }, 'fail'],
    ['shared_memory', { sharedMemoryBytes: null }, 'skip'],
    ['limits', { maxOpenFiles: 1024 }, 'warn'],
    ['limits', { maxLockedBytes: 64 * 1024 }, 'warn'],
    ['limits', { maxOpenFiles: null }, 'skip'],
    ['leftovers', { leftovers: [12, 13] }, 'warn'],
  ] as const)('%s with %o: %s', (id, facts, status) => {
    const [found, value, fix] = check(id, {}, facts);
    expect(found).toBe(status);
    expect(value).not.toBe('');
    expect(fix !== null).toBe(status !== 'skip');
  });

  it('with little memory is warned about', () => {
    expect(check('memory', inventory({ host: { ...INVENTORY.host, availableBytes: 4 * GiB } }))[0]).toBe('warn');
  });

  it('with little shared memory is warned about only when a replica spans cards', () => {
    const plan = { ...PLAN, placements: [{ ...SEAT, gpus: [...SEAT.gpus, ...SEAT.gpus] }] } as unknown as Plan;
    expect(check('shared_memory', { plan })).toEqual([
      'warn',
      '64 MiB in /dev/shm',
      'Start the container with --ipc=host or --shm-size=1g; in Kubernetes mount a memory volume there.',
    ]);
  });

  it('is read without a change, on this one too', async () => {
    const facts = await readMachineFacts({ stateDir: '/proc/none/such', host: '127.0.0.1', port: 0, environment: {} });
    expect(facts).toMatchObject({
      nodeVersion: process.versions.node,
      compiler: null,
      vocabularySha256: FACTS.vocabularySha256,
      port: { kind: 'free' },
      stateParent: { folder: '/proc', isWritable: expect.any(Boolean) },
      leftovers: [],
    });
  });
});
