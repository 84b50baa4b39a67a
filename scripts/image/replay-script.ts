import { shellWord } from '../../src/domain/shell-word.ts';
import { imageSettings, type Stage, type StageInstruction } from './dockerfile.ts';

/** What a replay needs to know of the machine. */
export interface ReplaySubject {
  /** Folder of the repository. */
  readonly root: string;
  /** Entries of the repository that a build may see. */
  readonly context: readonly string[];
  /** Stands for the Node.js of the image that brings one. */
  readonly nodeFile: string;
}

const words = (list: readonly string[]): string => list.map(shellWord).join(' ');

/**
 * A script of a POSIX shell that builds the stages and runs the image, for root in mount and process namespaces of its
 * own: every stage is an overlay on this machine, which stands for the base images. The steps run as they are written.
 * It ends with 0 when the image was healthy, answered, and ended with 0 at its stop signal.
 */
export function replayScript(stages: readonly Stage[], subject: ReplaySubject): string {
  const image = stages.at(-1);
  if (image === undefined) throw new Error('The Dockerfile has no stage.');
  return [
    PREPARE,
    ...contextLines(subject),
    ...stages.flatMap((stage) => stageLines(stage, subject)),
    ...runLines(image),
  ].join('\n');
}

const SAY = String.raw`say() { printf '%s\n' "$*"; }`;

const PREPARE = `
set -eu
${SAY}
mount -t proc proc /proc
work=$(mktemp -d)
mount -t tmpfs -o size=6g tmpfs "$work"
mkdir "$work/context"
# copy SOURCE-ROOT DESTINATION SOURCE...: as COPY does
copy() {
  from=$1; to=$2; shift 2
  for source; do
    if [ -d "$from/$source" ]; then mkdir -p "$to"; cp -a "$from/$source/." "$to/"
    elif [ $# -gt 1 ] || [ "\${to%/}" != "$to" ]; then mkdir -p "$to"; cp -a "$from/$source" "$to/"
    else mkdir -p "$(dirname "$to")"; cp -a "$from/$source" "$to"; fi
  done
}`;

function contextLines({ root, context }: ReplaySubject): string[] {
  return context.map((entry) => `copy ${shellWord(root)} "$work/context/${entry}" ${shellWord(entry)}`);
}

/** The repository itself is out of sight, so that only what was copied counts. */
function stageLines(stage: Stage, { root, nodeFile }: ReplaySubject): string[] {
  const at = `"$work/${stage.name}/root"`;
  return [
    `say 'FROM ${stage.base} (this machine stands for it)'`,
    `mkdir -p "$work/${stage.name}/up" "$work/${stage.name}/work" ${at}`,
    `mount -t overlay overlay -o "lowerdir=/,upperdir=$work/${stage.name}/up,workdir=$work/${stage.name}/work" ${at}`,
    `mount --rbind /dev ${at}/dev; mount -t proc proc ${at}/proc; mount -t tmpfs tmpfs ${at}/tmp`,
    `if [ -d ${at}${shellWord(root)} ]; then mount -t tmpfs tmpfs ${at}${shellWord(root)}; fi`,
    ...(stage.base.startsWith('node:') ? [`cp ${shellWord(nodeFile)} ${at}/usr/local/bin/node`] : []),
    ...stepLines(stage, at),
  ];
}

function stepLines({ instructions }: Stage, at: string): string[] {
  let folder = '/';
  return instructions.flatMap((step) => {
    const said = `say ${shellWord(`${step.keyword} ${step.text}`)}`;
    switch (step.keyword) {
      case 'WORKDIR':
        folder = step.text;
        return [said, `mkdir -p ${at}${folder}`];
      case 'COPY':
        return [said, copyLine(step, at, folder)];
      case 'RUN':
        return [said, `chroot ${at} env -C ${folder} PATH="/usr/local/bin:$PATH" sh -c ${shellWord(step.text)}`];
      default:
        return [];
    }
  });
}

function copyLine({ words: list, flags }: StageInstruction, at: string, folder: string): string {
  const destination = list.at(-1) ?? '';
  const to = destination.startsWith('/') ? destination : `${folder}/${destination}`;
  const from = flags['from'] === undefined ? '"$work/context"' : `"$work/${flags['from']}/root"`;
  return `copy ${from} ${at}${to} ${words(list.slice(0, -1))}`;
}

const ANSWER = `
const key = require('node:fs').readFileSync('/var/lib/chorus/api-key', 'utf8').trim();
const body = JSON.stringify({ model: 'gpt-oss-20b', temperature: 0, input: 'What is 7 + 8?' });
const headers = { authorization: 'Bearer ' + key, 'content-type': 'application/json' };
fetch('http://127.0.0.1:8000/v1/responses', { method: 'POST', headers, body })
  .then((answer) => answer.json())
  .then(({ status, output_text }) => {
    console.log('response: ' + status + ', ' + JSON.stringify(output_text));
    if (status !== 'completed') process.exitCode = 1;
  });
`;

/** Read-only, as a user without a name, without privileges and network, tini as process 1, the simulator for vLLM. */
function runLines(image: Stage): string[] {
  const at = `"$work/${image.name}/root"`;
  const settings = imageSettings(image);
  const [uid = '', gid = uid] = settings.user.split(':');
  const as = `setpriv --reuid ${uid} --regid ${gid} --clear-groups --bounding-set=-all --no-new-privs`;
  const variables = [...settings.environment, 'PATH=/usr/local/bin:/usr/bin:/bin'];
  const inside = `chroot ${at} ${as} env -i -C ${settings.folder} ${words(variables)}`;
  const volumes = settings.volumes.flatMap((path, number) => [
    `mkdir "$work/volume-${number}"; cp -a ${at}${path}/. "$work/volume-${number}/"`,
    `chown --reference=${at}${path} "$work/volume-${number}"; chmod --reference=${at}${path} "$work/volume-${number}"`,
    `mount --bind "$work/volume-${number}" ${at}${path}`,
  ]);
  const entry = [...settings.entrypoint, ...settings.command, '--engine', 'simulated'];
  return [
    ...volumes,
    `mount -o remount,ro,bind ${at}`,
    `export work; exec unshare --net sh -eu <<'RUN'`,
    SAY,
    `say 'the root is read-only:' $(touch ${at}/probe 2>&1 || true)`,
    `say ${shellWord(`run ${entry.join(' ')}`)}`,
    'ip link set lo up',
    `unshare --pid --fork --mount-proc=${at}/proc ${inside} ${words(entry)} & run=$!`,
    `for second in $(seq 60); do sleep 1; ${inside} ${words(settings.healthCheck)} && break; done`,
    `${inside} ${words(settings.healthCheck)}; say 'health check: healthy'`,
    `${inside} node -e ${shellWord(ANSWER)}`,
    // The child of unshare is process 1 of its namespace.
    `first=$(cat /proc/$run/task/$run/children); say 'process 1:' $(tr '\\0' ' ' < /proc/\${first% }/cmdline)`,
    `kill -s ${settings.stopSignal.replace(/^SIG/, '')} $first`,
    `code=0; wait $run || code=$?; say "exit code after ${settings.stopSignal}: $code"; exit $code`,
    'RUN',
  ];
}
