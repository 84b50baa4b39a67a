import { GiB, KiB, MiB } from '../domain/units.ts';
import { SetupFailure } from './failure.ts';

/** What a line of uv or pip says that a person wants to hear, or null for the rest. */
export interface InstallerNews {
  readonly sentence: string;
  /** Size of a download that begins with this line; 0 for none. */
  readonly announcedBytes: number;
}

const UNIT_BYTES: Readonly<Record<string, number>> = {
  kB: 1000,
  MB: 1e6,
  GB: 1e9,
  KiB,
  MiB,
  GiB,
};

/** Lines of uv 0.4 to 0.9 and pip 21 to 26 when their output is no terminal. */
export function readInstallerLine(line: string): InstallerNews | null {
  const text = line.trim();
  const download = /^Downloading (\S+?)(?:-[\d][^ ]*\.whl\S*)? \(([\d.]+) ?([kMG]i?B)\)/i.exec(text);
  if (download) {
    const [, name = '', size = '0', unit = ''] = download;
    return {
      sentence: `installing vLLM: downloading ${name} (${size} ${unit})`,
      announcedBytes: Number(size) * (UNIT_BYTES[unit] ?? 1),
    };
  }
  const step = /^(Resolved|Prepared|Installed|Bytecode compiled|Installing collected packages|Collecting \S+)/.exec(
    text,
  );
  return step ? { sentence: `installing vLLM: ${lowerFirst(text.slice(0, 100))}`, announcedBytes: 0 } : null;
}

const lowerFirst = (text: string): string => text.slice(0, 1).toLowerCase() + text.slice(1);

/** Why uv, pip or venv ended with an error, read from its last lines. */
export function installerFailure(
  command: readonly string[],
  exitCode: number | null,
  lines: readonly string[],
): SetupFailure {
  const said = lines.join('\n');
  if (/No space left on device|os error 28|Disk quota exceeded/i.test(said)) {
    return new SetupFailure('disk_full', 'The disk is full while vLLM is installed.');
  }
  if (/ensurepip is not available|No module named (venv|ensurepip)/.test(said)) {
    return new SetupFailure('venv_missing', `${command[0]} cannot make environments.`);
  }
  const end = exitCode === null ? 'did not run' : `ended with exit code ${exitCode}`;
  const quoted = lines
    .slice(-8)
    .map((line) => `\n    ${line}`)
    .join('');
  return new SetupFailure('install_failed', `\`${command.join(' ')}\` ${end}:${quoted || ' it said nothing.'}\n `);
}
