import { describe, expect, it } from 'vitest';
import type { Plan } from '../../src/domain/placement.ts';
import { GiB } from '../../src/domain/units.ts';
import { refusalOf } from '../../src/doctor/check.ts';
import { readMachineFacts } from '../../src/doctor/machine-facts.ts';
import type { SetupFailureCode } from '../../src/setup/failure.ts';
import type { SetupPlan } from '../../src/setup/setup-plan.ts';
import { check, examine, FACTS, inventory, INVENTORY, PLAN, SEAT, setup } from './subject.ts';

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

describe('the exit code of a refusal', () => {
  const problem = (code: SetupFailureCode) => ({ code, sentence: 'No.', remedy: 'Do this.' });
  const model = {
    kind: 'download',
    repository: 'openai/gpt-oss-20b',
    endpoint: 'https://huggingface.co',
    folder: '/f',
    listing: null,
    totalBytes: 12 * GiB,
    missingBytes: 12 * GiB,
    reason: '',
  } as const;
  const hubSays = (code: SetupFailureCode) => setup({ model: { ...model, hubProblem: problem(code) } });

  it.each([
    ['a wrong token', hubSays('hub_unauthorised'), 77],
    ['an address that is none', hubSays('hub_settings'), 64],
    ['a hub that is away', hubSays('hub_unreachable'), 75],
    ['a full disk', setup({ blockers: [problem('disk_full')] }), 74],
    ['no Python', setup({ environment: null, blockers: [problem('python_missing')] }), 69],
  ])('is that of %s where nothing else is wrong', (_, subject, exitCode) => {
    expect(refusalOf(examine(subject))?.exitCode).toBe(exitCode);
  });

  it('is 69 where two things are wrong that have not the same one', () => {
    const both = setup({
      model: { ...model, hubProblem: problem('hub_unauthorised') },
      blockers: [problem('disk_full')],
    });
    expect(refusalOf(examine(both))?.exitCode).toBe(69);
    expect(refusalOf(examine(hubSays('hub_unauthorised'), { nodeVersion: '22.1.0' }))?.exitCode).toBe(69);
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
  const blocker = (code: SetupFailureCode) =>
    setup({ environment: null, blockers: [{ code, sentence: 'No.', remedy }] });

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
    for (const code of ['python_missing', 'venv_missing', 'vllm_unusable'] as const) {
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
      hubProblem: { code: 'hub_unreachable', sentence: 'The hub is away.', remedy: 'Wait.' },
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
    const offline = [{ code: 'offline' as const, sentence: 'No.', remedy }];
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
