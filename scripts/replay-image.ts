/**
 * `npm run replay:image`: builds Dockerfile.gpu and runs what comes of it without a container engine, as far as that
 * goes. Every step runs as it is written, in an overlay on this machine, which stands for the base images; the result
 * serves with a read-only root, as uid 2000 and with the simulator in the place of vLLM. Needs Linux and root.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readStages } from './image/dockerfile.ts';
import { replayScript } from './image/replay-script.ts';

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const read = (file: string): string => readFileSync(`${root}/${file}`, 'utf8');

if (process.getuid?.() !== 0) {
  console.error('replay:image needs root: it makes mount, process and network namespaces of its own.');
  process.exitCode = 77;
} else {
  const context = [...read('.dockerignore').matchAll(/^!(.+)$/gm)].map(([, entry = '']) => entry);
  const subject = { root, context, nodeFile: process.execPath };
  const build = replayScript(readStages(read('Dockerfile.gpu')), subject);
  // The end of its process namespace ends whatever is left, and with the last process go the mounts.
  const args = ['--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child', 'sh', '-s'];
  const { status } = spawnSync('unshare', args, { input: build, stdio: ['pipe', 'inherit', 'inherit'] });
  console.log(`replay:image: ${status === 0 ? 'passed' : 'failed'}`);
  process.exitCode = status ?? 1;
}
