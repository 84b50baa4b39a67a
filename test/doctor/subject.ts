import type { Gpu, Inventory } from '../../src/domain/gpu.ts';
import type { Plan } from '../../src/domain/placement.ts';
import { GiB, MiB } from '../../src/domain/units.ts';
import type { DoctorCheck } from '../../src/doctor/check.ts';
import type { MachineFacts } from '../../src/doctor/machine-facts.ts';
import { judge, type DoctorSubject } from '../../src/doctor/run-doctor.ts';
import type { SetupPlan } from '../../src/setup/setup-plan.ts';
import { SETUP_WISH } from '../support/setup-wish.ts';

export const GPU: Gpu = {
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

export const INVENTORY: Inventory = {
  gpus: [GPU],
  host: { cpuModel: 'Xeon', cpuCount: 8, hasAmx: true, totalBytes: 64 * GiB, availableBytes: 60 * GiB },
  findings: [],
  nvidiaVisible: true,
};

export const SEAT = { engineId: 'e0', gpus: [{ index: 0, uuid: 'GPU-0', name: 'H100' }] };
export const PLAN = {
  model: 'gpt-oss-20b',
  placements: [SEAT],
  rejections: [],
  summary: 'gpt-oss-20b on GPU 0.',
} as unknown as Plan;

export const SETUP: SetupPlan = {
  wish: SETUP_WISH,
  environment: { kind: 'existing', python: '/v/bin/python', version: '0.32.0', reason: 'It is there.' },
  model: { kind: 'existing', path: '/m', reason: 'It is there.' },
  requiredBytes: 0,
  freeBytes: 100 * GiB,
  notices: [],
  blockers: [],
};

/** A machine on which nothing is wrong. */
export const FACTS: MachineFacts = {
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
  kernelLog: { kind: 'read', events: [] },
  leftovers: [],
};

export const SUBJECT: DoctorSubject = {
  engine: 'gpu',
  inventory: INVENTORY,
  plan: PLAN,
  setup: SETUP,
  stateDir: '/state',
  host: '127.0.0.1',
  port: 8000,
};

export const examine = (
  subject: Partial<DoctorSubject> = {},
  facts: Partial<MachineFacts> = {},
): readonly DoctorCheck[] => judge({ ...SUBJECT, ...subject }, { ...FACTS, ...facts });
/** The check of this id, as status, value and fix. */
export const check = (id: string, ...given: Parameters<typeof examine>): readonly (string | null)[] => {
  const found = examine(...given).find((one) => one.id === id);
  return found === undefined ? [] : [found.status, found.value, found.fix];
};
export const inventory = (changes: Partial<Inventory>): Partial<DoctorSubject> => ({
  inventory: { ...INVENTORY, ...changes },
});
export const setup = (changes: Partial<SetupPlan>): Partial<DoctorSubject> => ({ setup: { ...SETUP, ...changes } });
