import { describe, expect, it } from 'vitest';
import { GiB } from '../../src/domain/units.ts';
import { describeSetupProgress, explainSetup, summariseSetup } from '../../src/setup/explain-setup.ts';
import { oldestDriver } from '../../src/setup/oldest-driver.ts';
import { planSetup } from '../../src/setup/plan-setup.ts';
import { blockedRefusal } from '../../src/setup/setup.ts';
import type { HubListing, SetupFacts, SetupProgress, SetupWish } from '../../src/setup/setup-plan.ts';
import { SETUP_WISH as WISH } from '../support/setup-wish.ts';

const LISTING: HubListing = {
  repository: 'openai/gpt-oss-20b',
  revision: 'a'.repeat(40),
  files: [
    { path: 'config.json', sizeBytes: 1000, checksum: { algorithm: 'git-sha1', hex: 'b'.repeat(40) } },
    { path: 'model.safetensors', sizeBytes: 12 * GiB, checksum: { algorithm: 'sha256', hex: 'c'.repeat(64) } },
  ],
};

/** A bare machine with uv, a hub that answers and much room. */
const FACTS: SetupFacts = {
  uv: { file: '/usr/bin/uv', version: '0.9.9' },
  pythons: [],
  existing: null,
  ownEnvironments: [],
  leftoverBytes: 0,
  model: null,
  listing: LISTING,
  hubProblem: null,
  presentBytes: 0,
  hub: { endpoint: 'https://huggingface.co', offline: false },
  freeBytes: 500 * GiB,
};
const PYTHON = { file: '/usr/bin/python3.12', version: '3.12.7', hasVenv: true, hasHeaders: true };

const plan = (wish: Partial<SetupWish> = {}, facts: Partial<SetupFacts> = {}) =>
  planSetup({ ...WISH, ...wish }, { ...FACTS, ...facts });
const commands = (...given: Parameters<typeof plan>): readonly string[] => {
  const { environment } = plan(...given);
  return environment?.kind === 'install' ? environment.commands.map((command) => command.join(' ')) : [];
};
const codes = (...given: Parameters<typeof plan>): readonly string[] => plan(...given).blockers.map(({ code }) => code);

describe('the environment', () => {
  it('is made with uv where it is', () => {
    expect(commands()).toEqual([
      '/usr/bin/uv venv --python 3.12 --seed /state/vllm/0.32.0-cu130',
      '/usr/bin/uv pip install --python /state/vllm/0.32.0-cu130/bin/python --compile-bytecode vllm==0.32.0',
    ]);
  });

  it('is made from a Python that is here, if that has its headers', () => {
    expect(commands({}, { pythons: [{ ...PYTHON, hasHeaders: false }, PYTHON] })[0]).toBe(
      '/usr/bin/uv venv --python /usr/bin/python3.12 --seed /state/vllm/0.32.0-cu130',
    );
    expect(commands({}, { pythons: [{ ...PYTHON, hasHeaders: false }] })[0]).toContain('--python 3.12 ');
  });

  it('without headers is said aloud where pip makes it for a GPU', () => {
    const facts = { uv: null, pythons: [{ ...PYTHON, hasHeaders: false }] };
    expect(plan({}, facts).notices).toEqual([
      '/usr/bin/python3.12 has no Python.h, without which Triton cannot compile: install it (Debian and Ubuntu: sudo apt install python3-dev), or uv.',
    ]);
    expect(plan({ engine: 'cpu' }, facts).notices).toEqual([]);
  });

  it('is made with venv and pip where there is no uv', () => {
    expect(commands({}, { uv: null, pythons: [PYTHON] })).toEqual([
      '/usr/bin/python3.12 -m venv /state/vllm/0.32.0-cu130',
      '/state/vllm/0.32.0-cu130/bin/python -m pip install --disable-pip-version-check --no-input --progress-bar off vllm==0.32.0',
    ]);
  });

  it('gets the build for CUDA 12.9 on an older driver, said aloud', () => {
    const made = plan({ driverVersion: '570.86.15' });
    expect(made.environment).toMatchObject({ folder: '/state/vllm/0.32.0-cu129', cudaMajor: 12 });
    expect(commands({ driverVersion: '570.86.15' })[1]).toContain(
      '--torch-backend=cu129 --extra-index-url https://wheels.vllm.ai/0.32.0/cu129 vllm==0.32.0',
    );
    expect(made.notices.join()).toMatch(
      /^Driver 570\.86\.15 is older than 580, .*: taken is vLLM's build for CUDA 12\.9/,
    );
  });

  it('gets CUDA 13 from driver 580 on, and also when the driver does not tell', () => {
    for (const driverVersion of ['580.65.06', '610.57.04', null]) {
      expect(plan({ driverVersion }).environment).toMatchObject({ cudaMajor: 13 });
      expect(plan({ driverVersion }).notices).toEqual([]);
    }
  });

  it('gets the CPU build for the CPU, whatever the driver', () => {
    expect(plan({ engine: 'cpu', driverVersion: '470.1' }).environment).toMatchObject({
      folder: '/state/vllm/0.32.0-cpu',
      cudaMajor: null,
    });
  });

  it('is refused with the driver to install when no build runs on the one that is there', () => {
    const { environment, blockers } = plan({ driverVersion: '470.256.02' });
    expect(environment).toBeNull();
    expect(blockers).toEqual([
      {
        code: 'driver_too_old',
        sentence: 'No build of vLLM 0.32.0 runs on driver 470.256.02: CUDA 12.9 needs 525, CUDA 13 580.',
        remedy: 'Update the NVIDIA driver to 580 or newer, or name an environment of your own with --python.',
      },
    ]);
  });

  it('needs uv or a Python that can make environments', () => {
    expect(codes({}, { uv: null })).toEqual(['python_missing']);
    expect(codes({}, { uv: null, pythons: [{ ...PYTHON, hasVenv: false }] })).toEqual(['venv_missing']);
    expect(plan({}, { uv: null, pythons: [{ ...PYTHON, hasVenv: false }] }).blockers[0]?.remedy).toContain(
      'apt install python3-venv',
    );
  });

  it('is the one that an earlier setup completed, if its build is the right one', () => {
    const ownEnvironments = ['/state/vllm/0.32.0-cu129'];
    expect(plan({ driverVersion: '570.1' }, { ownEnvironments }).environment).toMatchObject({
      kind: 'existing',
      python: '/state/vllm/0.32.0-cu129/bin/python',
    });
    expect(plan({}, { ownEnvironments }).environment).toMatchObject({ kind: 'install' });
  });

  it('is the one on the PATH, if it is new enough and of the right build', () => {
    const existing = { python: '/opt/vllm/bin/python', version: '0.32.1', isCpuBuild: false };
    expect(plan({}, { existing }).environment).toMatchObject({ kind: 'existing', python: '/opt/vllm/bin/python' });
    expect(plan({}, { existing }).notices).toEqual([]);
    expect(plan({}, { existing: { ...existing, version: '0.30.0' } }).notices).toEqual([
      'vLLM 0.30.0 is used as it is; Chorus is tested with 0.32.0.',
    ]);
    for (const other of [{ version: '0.10.1' }, { version: null }, { isCpuBuild: true }]) {
      expect(plan({}, { existing: { ...existing, ...other } }).environment).toMatchObject({ kind: 'install' });
    }
  });

  it('is the named one or none', () => {
    const python = '/mine/bin/python';
    const existing = { python, version: '0.32.0', isCpuBuild: false };
    expect(plan({ python }, { existing }).environment).toMatchObject({ kind: 'existing', python });
    for (const other of [{ version: '0.9.2' }, { version: null }, { isCpuBuild: true }]) {
      expect(codes({ python }, { existing: { ...existing, ...other } })).toEqual(['vllm_unusable']);
    }
    expect(codes({ python, engine: 'cpu' }, { existing: { ...existing, isCpuBuild: true } })).toEqual([]);
  });
});

describe('the model', () => {
  it('is downloaded as far as it is missing', () => {
    expect(plan({}, { presentBytes: 4 * GiB }).model).toMatchObject({
      kind: 'download',
      folder: '/state/models/openai--gpt-oss-20b',
      totalBytes: 12 * GiB + 1000,
      missingBytes: 8 * GiB + 1000,
      reason: 'gpt-oss-20b is not on this machine, 4.0 GiB of it are here.',
    });
  });

  it('is used where it is found', () => {
    const model = { path: '/cache/snapshots/x', source: 'hugging_face_cache' } as const;
    expect(plan({}, { model, listing: null }).model).toEqual({
      kind: 'existing',
      path: '/cache/snapshots/x',
      reason: 'It is whole in the Hugging Face cache.',
    });
  });

  it('has the size of the catalogue when the hub does not tell, said aloud', () => {
    const hubProblem = { code: 'hub_unreachable', sentence: 'hub cannot be reached.', remedy: 'Wait.' } as const;
    const unknown = plan({}, { listing: null, hubProblem });
    expect(unknown.model).toMatchObject({ totalBytes: 12.8 * GiB, hubProblem });
    expect(unknown.notices.join()).toMatch(
      /^The size of openai\/gpt-oss-20b is the catalogue's.*hub cannot be reached\. Wait\.$/,
    );
  });

  it('is refused when downloads are forbidden', () => {
    const hub = { endpoint: 'https://huggingface.co', offline: true };
    expect(codes({}, { hub, listing: null, hubProblem: null })).toEqual(['offline']);
  });
});

describe('the disk', () => {
  it('must hold environment and weights with a margin', () => {
    const requiredBytes = Math.ceil(10 * GiB + (12 * GiB + 1000) * 1.1);
    expect(plan().requiredBytes).toBe(requiredBytes);
    expect(codes({}, { freeBytes: requiredBytes })).toEqual([]);
    expect(plan({}, { freeBytes: requiredBytes - 1 }).blockers).toEqual([
      {
        code: 'disk_full',
        sentence: '23.2 GiB are needed at /state, 23.2 GiB are free.',
        remedy: 'Make room, or choose a larger disk with --state-dir; what is here already is kept.',
      },
    ]);
    expect(codes({}, { freeBytes: null })).toEqual([]);
  });

  it('that is full gives a refused setup its exit code, unless something else is in the way too', () => {
    expect(blockedRefusal(plan({}, { freeBytes: 1 })).exitCode).toBe(74);
    expect(blockedRefusal(plan({}, { freeBytes: 1, uv: null })).exitCode).toBe(69);
  });

  it('must not hold what an unfinished environment gives back', () => {
    const model = { path: '/m', source: 'state' } as const;
    const leftoverBytes = 9 * GiB;
    expect(plan({}, { model, leftoverBytes }).requiredBytes).toBe(GiB);
    expect(codes({}, { model, leftoverBytes, freeBytes: GiB })).toEqual([]);
    expect(codes({}, { model, leftoverBytes, freeBytes: GiB - 1 })).toEqual(['disk_full']);
    expect(explainSetup(plan({}, { model, leftoverBytes: 12 * GiB, freeBytes: 0 })).split('\n')).toEqual([
      expect.stringMatching(/ uv 0\.9\.9 is here\. 12\.0 GiB of an unfinished one are removed first\.$/),
      expect.stringContaining('uv venv'),
      expect.stringContaining('uv pip install'),
      'gpt-oss-20b: /m is used. An earlier setup downloaded it.',
      'Disk: 0 KiB are needed at /state, a margin included; 0 KiB are free.',
    ]);
  });

  it('counts a leftover for nothing where no environment is made, nor against the weights', () => {
    const existing = { python: '/v/bin/python', version: '0.32.0', isCpuBuild: false };
    const weights = Math.ceil((12 * GiB + 1000) * 1.1);
    expect(plan({}, { existing, leftoverBytes: 9 * GiB }).requiredBytes).toBe(weights);
    expect(plan({}, { leftoverBytes: 12 * GiB }).requiredBytes).toBe(weights);
  });

  it('needs nothing when everything is here', () => {
    const made = plan(
      {},
      {
        existing: { python: '/v/bin/python', version: '0.32.0', isCpuBuild: false },
        model: { path: '/m', source: 'state' },
        freeBytes: 0,
      },
    );
    expect([made.requiredBytes, made.blockers, summariseSetup(made)]).toEqual([0, [], null]);
    expect(explainSetup(made).split('\n')).toEqual([
      'vLLM 0.32.0: /v/bin/python is used. vLLM 0.32.0 is on the PATH (/v/bin/python).',
      'gpt-oss-20b: /m is used. An earlier setup downloaded it.',
      'Nothing is to be done.',
    ]);
  });
});

describe('the explanation', () => {
  it('has every command, byte and path', () => {
    expect(explainSetup(plan()).split('\n')).toEqual([
      'vLLM 0.32.0: is installed into /state/vllm/0.32.0-cu130, about 10.0 GiB. Driver 590.48.01 runs CUDA 13. uv 0.9.9 is here.',
      '  $ /usr/bin/uv venv --python 3.12 --seed /state/vllm/0.32.0-cu130',
      '  $ /usr/bin/uv pip install --python /state/vllm/0.32.0-cu130/bin/python --compile-bytecode vllm==0.32.0',
      `gpt-oss-20b: 12,884,902,888 bytes are downloaded from https://huggingface.co/openai/gpt-oss-20b to /state/models/openai--gpt-oss-20b/${'a'.repeat(40)}. gpt-oss-20b is not on this machine.`,
      '  config.json  1,000 bytes',
      '  model.safetensors  12,884,901,888 bytes',
      'Disk: 23.2 GiB are needed at /state, a margin included; 500.0 GiB are free.',
    ]);
    expect(summariseSetup(plan())).toBe(
      'install vLLM 0.32.0 (about 10.0 GiB) and download openai/gpt-oss-20b (12.0 GiB)',
    );
  });

  it('tells how far it is, how fast and how long', () => {
    const progress: SetupProgress = {
      step: 'download',
      sentence: 'downloading openai/gpt-oss-20b',
      fraction: 0.409,
      doneBytes: 5 * GiB,
      totalBytes: 12 * GiB,
      bytesPerSecond: 98 * 1024 * 1024,
      leftMs: 73_000,
    };
    expect(describeSetupProgress(progress)).toBe(
      'download 40 %, 5.0 GiB of 12.0 GiB, 98 MiB/s, 73 s left: downloading openai/gpt-oss-20b',
    );
  });
});

describe('the driver', () => {
  it('that counts is the oldest, number by number', () => {
    const gpu = (driverVersion: string | null) => ({ driverVersion }) as never;
    expect(oldestDriver({ gpus: [gpu('580.65.06'), gpu('580.9.1'), gpu(null)] })).toBe('580.9.1');
    expect(oldestDriver({ gpus: [gpu(null)] })).toBeNull();
  });
});
