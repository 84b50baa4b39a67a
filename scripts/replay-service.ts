/**
 * `npm run replay:service`: boots a real systemd as process 1 of namespaces of its own, on an overlay of this machine,
 * with the units of `configs/systemd` and the simulator in the place of vLLM, and prints every promise with what came of
 * it. Needs Linux with cgroup v2, systemd and root; two minutes.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const PROGRAM = '/lib/systemd/systemd';
const TIMEOUT_S = '300';
/** Process 1 must begin in a group of its own, which becomes the root of what it sees. */
const BOOT = `echo $$ > "$0/cgroup.procs"
exec unshare --mount --propagation private --pid --fork --kill-child --uts --ipc --net --cgroup sh "$1/scripts/service/boot.sh" "$1" "$2"`;

const controlGroups = /^\S+ (\S+) cgroup2 /m.exec(readFileSync('/proc/mounts', 'utf8'))?.[1];
if (process.getuid?.() !== 0 || !existsSync(PROGRAM) || controlGroups === undefined) {
  console.error(`replay:service needs root, ${PROGRAM} and cgroup v2.`);
  process.exitCode = 77;
} else {
  replay(controlGroups);
}

function replay(controlGroups: string): void {
  const group = join(controlGroups, `chorus-replay-${process.pid}`);
  const results = mkdtempSync(join(tmpdir(), 'chorus-service-'));
  mkdirSync(group);
  try {
    const words = ['-s', 'KILL', TIMEOUT_S, 'sh', '-c', BOOT, group, root, results];
    const { status } = spawnSync('timeout', words, { stdio: ['ignore', 'ignore', 'inherit'] });
    const lines = read(join(results, 'life.out'));
    for (const line of lines) if (line !== 'end') console.log(line);
    const isGood = status === 0 && lines.includes('end') && !lines.some((line) => line.startsWith('FAIL'));
    if (!isGood) console.log(read(join(results, 'chorus.out')).slice(-60).join('\n'));
    console.log(`replay:service: ${isGood ? 'passed' : 'failed'}`);
    process.exitCode = isGood ? 0 : 1;
  } finally {
    rmSync(results, { recursive: true, force: true });
    removeGroup(group);
  }
}

/** With the groups that systemd made in it; all are empty, and files in them are the kernel's. */
function removeGroup(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) removeGroup(join(folder, entry.name));
  }
  rmdirSync(folder);
}

function read(file: string): readonly string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
}
