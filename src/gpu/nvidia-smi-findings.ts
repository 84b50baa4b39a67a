import type { Finding } from '../domain/gpu.ts';
import type { NvidiaSmiOutcome } from './run-nvidia-smi.ts';

interface Failure {
  readonly code: string;
  readonly pattern: RegExp;
  /** The exit code that means the same where the text does not match (nvidia-smi's manual page). */
  readonly exitCode: number | null;
  readonly message: string;
  readonly remedy: string;
}

/** As a shell that stands before nvidia-smi tells SIGSEGV. */
const SEGMENTATION_FAULT_CODE = 139;

const MISSING = {
  code: 'nvidia_smi_missing',
  message: 'There is no nvidia-smi on the PATH.',
  remedy:
    'On a machine with an NVIDIA GPU, install the NVIDIA driver; in a container, allow the driver capability `utility`.',
} as const;

/** The driver says that it has no card; exit code 6 stands for any question without an answer. */
export const NO_DEVICES = /No devices were found/;

/** Texts of nvidia-smi, from drivers 470 to 610. Looked through in this order. */
const FAILURES: readonly Failure[] = [
  // A script of that name stands on the PATH, but what it calls is not there.
  { ...MISSING, pattern: /nvidia-smi: (?:command )?not found/, exitCode: 127 },
  {
    code: 'driver_library_mismatch',
    pattern: /Driver\/library version mismatch/,
    exitCode: 18,
    message: 'The NVIDIA driver was upgraded, but the old one is still loaded.',
    remedy: 'Reboot, or unload and load the nvidia kernel modules. CUDA programs that run go on; new ones fail.',
  },
  {
    code: 'container_lost_devices',
    pattern: /Failed to initialize NVML: Unknown Error/,
    exitCode: null,
    message: 'This container has lost access to its GPUs, as happens when the host runs `systemctl daemon-reload`.',
    remedy: 'Recreate the container.',
  },
  {
    code: 'gpu_lost',
    pattern: /Unable to determine the device handle for GPU ?\S+: .*|GPU is lost.*/i,
    exitCode: 15,
    message: 'A GPU has stopped answering (it fell off the bus).',
    remedy: 'Look for Xid 79 in `dmesg`, then reboot; if it comes back, the card, its power or its slot is at fault.',
  },
  {
    code: 'wsl_driver',
    pattern: /Failed to properly shut down NVML.*/,
    exitCode: null,
    message: 'This nvidia-smi does not work under WSL.',
    remedy:
      'Remove NVIDIA driver packages of Linux from WSL: the driver is that of Windows, and /usr/lib/wsl/lib/nvidia-smi ' +
      'answers for it.',
  },
  {
    code: 'nvml_missing',
    pattern: /couldn't find libnvidia-ml\.so/,
    exitCode: 12,
    message: 'nvidia-smi is there, but the library of the NVIDIA driver is not.',
    remedy: 'Install the NVIDIA driver again; in a container, allow the driver capability `utility`.',
  },
  {
    code: 'driver_not_loaded',
    pattern: /couldn't communicate with the NVIDIA driver|Driver Not Loaded/i,
    exitCode: 9,
    message: 'nvidia-smi is installed, but the NVIDIA driver is not loaded.',
    remedy:
      'Run `sudo modprobe nvidia`. If that fails, install the driver for the running kernel; Secure Boot and nouveau are ' +
      'the usual obstacles.',
  },
  {
    code: 'no_devices',
    pattern: NO_DEVICES,
    exitCode: 6,
    message: 'The NVIDIA driver finds no GPU.',
    remedy: 'Check that the card is seated and powered (`lspci -d 10de:`), or that the container was given a GPU.',
  },
  {
    code: 'no_permission',
    pattern: /Insufficient Permissions/,
    exitCode: 4,
    message: 'This user may not ask the NVIDIA driver.',
    remedy: 'Give it access to /dev/nvidia* (often the group `video` or `render`).',
  },
  {
    code: 'power_cable',
    pattern: /external power cables/i,
    exitCode: 8,
    message: 'A GPU has no power from its cables.',
    remedy: 'Switch the machine off and connect the power cables of the card.',
  },
  {
    code: 'interrupt_fault',
    pattern: /interrupt issue/i,
    exitCode: 10,
    message: 'The kernel has trouble with the interrupts of a GPU.',
    remedy: 'Look for NVRM lines in `dmesg`, then reboot; a newer BIOS or another slot often helps.',
  },
  {
    code: 'nvml_too_old',
    pattern: /Function Not Found|NVML doesn't implement this function/i,
    exitCode: 13,
    message: 'nvidia-smi and the library of the NVIDIA driver are not of one version.',
    remedy: 'Install the NVIDIA driver again, with all its packages of one version.',
  },
  {
    code: 'inforom_corrupt',
    pattern: /infoROM is corrupted/i,
    exitCode: 14,
    message: 'The memory in which a GPU keeps its own settings is damaged.',
    remedy: 'Reset the card or reboot; if it comes back, the maker has to repair it.',
  },
  {
    code: 'nvidia_smi_crashed',
    pattern: /Segmentation fault/i,
    exitCode: SEGMENTATION_FAULT_CODE,
    message: 'nvidia-smi crashes, as it does when it and the driver are not of one version.',
    remedy:
      'Install the NVIDIA driver again; under WSL, update the one of Windows and remove those of Linux, so that ' +
      '/usr/lib/wsl/lib/nvidia-smi answers.',
  },
  {
    code: 'unknown_field',
    pattern: /Field ".*?" is not a valid field to query/,
    exitCode: null,
    message: 'This NVIDIA driver is too old to tell what Chorus asks.',
    remedy: 'Update it: vLLM needs driver 580 or newer.',
  },
];

/** What went wrong when nvidia-smi was asked, or null. `isExpected`: something of NVIDIA is visible on this machine. */
export function nvidiaSmiFinding(outcome: NvidiaSmiOutcome, isExpected: boolean, deadlineMs: number): Finding | null {
  switch (outcome.kind) {
    case 'missing':
      return { ...MISSING, severity: isExpected ? 'error' : 'warning' };
    case 'hung':
      return {
        code: 'nvidia_smi_hung',
        severity: 'error',
        message: `nvidia-smi did not answer within ${deadlineMs / 1000} s.`,
        remedy:
          'The driver or a card hangs: look for NVRM lines in `dmesg`, then reset the card or reboot. Where many cards are ' +
          'only slow to wake up, `sudo nvidia-smi -pm 1` keeps them awake.',
      };
    case 'killed':
      return killedFinding(outcome.signal);
    case 'unstartable':
      return otherFinding(`nvidia-smi did not run: ${outcome.message}.`);
    case 'finished':
      return finishedFinding(outcome);
  }
}

type Ended = Pick<Extract<NvidiaSmiOutcome, { kind: 'finished' }>, 'exitCode' | 'output'>;

function killedFinding(signal: string): Finding {
  const crash = signal === 'SIGSEGV' ? finishedFinding({ exitCode: SEGMENTATION_FAULT_CODE, output: '' }) : null;
  return crash ?? otherFinding(`nvidia-smi did not run: it died of ${signal}.`);
}

function finishedFinding({ exitCode, output }: Ended): Finding | null {
  const failure = failureOf(exitCode, output);
  if (failure) {
    const { code, pattern, message, remedy } = failure;
    const quoted = pattern.exec(output)?.[0];
    return { code, severity: 'error', message: quoted ? `${message} (nvidia-smi: ${quoted})` : message, remedy };
  }
  if (exitCode === 0) return null;
  const [line] = output.trim().split('\n');
  return otherFinding(`nvidia-smi ended with exit code ${exitCode}: ${line || 'it said nothing'}`);
}

const otherFinding = (message: string): Finding => ({
  code: 'nvidia_smi_failed',
  severity: 'error',
  message,
  remedy: 'Run nvidia-smi by hand and repair what it reports.',
});

/** The text decides, then the exit code; an empty list without complaint means that there are no devices. */
function failureOf(exitCode: number, output: string): Failure | undefined {
  const byText = FAILURES.find(({ pattern }) => pattern.test(output));
  if (byText) return byText;
  if (exitCode !== 0) return FAILURES.find((failure) => failure.exitCode === exitCode);
  return output.trim() === '' ? FAILURES.find(({ code }) => code === 'no_devices') : undefined;
}

/** Lines of the list that are no row. */
export function unreadableFinding(lines: readonly string[]): Finding {
  return {
    code: 'nvidia_smi_unreadable',
    severity: 'warning',
    message: `nvidia-smi listed something that is not understood: ${lines.join(' / ')}`,
    remedy: 'Run nvidia-smi by hand; a card that shows errors there is not used.',
  };
}
