// Makes the node_modules of a fresh clone, with any Node >= 18. Plain JavaScript: it runs before Node 24 is there.
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const installed = `${root}node_modules/.package-lock.json`;
/** A link leads to packages that another tree uses: `npm ci` would empty them there. */
const isLinked = lstatSync(`${root}node_modules`, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
const upToDate =
  isLinked ||
  (existsSync(`${root}node_modules/node/bin/node`) &&
    existsSync(installed) &&
    statSync(installed).mtimeMs >= statSync(`${root}package-lock.json`).mtimeMs);

if (!upToDate) {
  console.error('chorus: installing dependencies (npm ci) …');
  const npm = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: root, stdio: 'inherit' });
  if (npm.status !== 0) {
    console.error(
      'chorus: npm ci failed. Check the network and the npm registry settings, then run the command again.',
    );
    process.exit(npm.status ?? 1);
  }
}
