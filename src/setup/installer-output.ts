import { GiB, KiB, MiB } from '../domain/units.ts';
import { lowerFirst } from '../planner/wording.ts';
import { SetupFailure } from './failure.ts';

/** What a line of uv or pip tells. */
export type InstallerNews =
  /** A package of this size is being downloaded from now on. */
  { readonly kind: 'download'; readonly sizeBytes: number } | { readonly kind: 'step'; readonly sentence: string };

const UNIT_BYTES: Readonly<Record<string, number>> = {
  kB: 1000,
  MB: 1e6,
  GB: 1e9,
  KiB,
  MiB,
  GiB,
};

/** What a person wants to hear of, null for the rest. Lines of uv 0.4 to 0.13 and pip 21 to 26 when their output is no terminal. */
export function readInstallerLine(line: string): InstallerNews | null {
  const text = line.trim();
  const [, size, unit = ''] = /^Downloading \S+ \(([\d.]+) ?([kMG]i?B)\)/i.exec(text) ?? [];
  if (size !== undefined) return { kind: 'download', sizeBytes: Number(size) * (UNIT_BYTES[unit] ?? 1) };
  if (!/^(Resolved|Prepared|Installed|Bytecode compiled|Installing collected packages|Collecting \S+)/.test(text))
    return null;
  return { kind: 'step', sentence: `installing vLLM: ${lowerFirst(text.slice(0, 100))}` };
}

const DISK_FULL = /No space left on device|os error 28|Disk quota exceeded/i;
/** uv unpacks in its cache, pip in the folder for temporary files: either may lie on another disk than the environment. */
const DISK_FULL_REMEDY =
  'Make room on that disk, or name a larger one: UV_CACHE_DIR is where uv unpacks, PIP_CACHE_DIR and TMPDIR where pip ' +
  'does, --state-dir where vLLM is installed; what is here already is kept.';

/** Why uv, pip or venv ended with an error, read from its last lines. */
export function installerFailure(
  command: readonly string[],
  exitCode: number | null,
  lines: readonly string[],
): SetupFailure {
  const full = lines.findLast((line) => DISK_FULL.test(line));
  if (full !== undefined) {
    const sentence = `A disk is full while vLLM is installed:${quote([full.trim()])}`;
    return new SetupFailure('disk_full', sentence, { remedy: DISK_FULL_REMEDY });
  }
  const said = lines.join('\n');
  if (/ensurepip is not available|No module named (venv|ensurepip)/.test(said)) {
    return new SetupFailure('venv_missing', `${command[0]} cannot make environments.`);
  }
  const end = exitCode === null ? 'did not run' : `ended with exit code ${exitCode}`;
  const quoted = lines.length === 0 ? ' it said nothing.\n ' : quote(lines.slice(-8));
  return new SetupFailure('install_failed', `\`${command.join(' ')}\` ${end}:${quoted}`);
}

/** Below the sentence, so that the remedy stands on a line of its own. */
function quote(lines: readonly string[]): string {
  return `${lines.map((line) => `\n    ${line}`).join('')}\n `;
}
