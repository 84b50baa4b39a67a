#!/usr/bin/env node
// The `chorus` command: plain JavaScript that any Node can start. It hands over to Node 24, the one in node_modules
// when there is one, and to the sources in a clone or the build in a package.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const bundledNode = at('../node_modules/node/bin/node');
const node = existsSync(bundledNode) ? bundledNode : process.execPath;
const isClone = existsSync(at('../src/cli/main.ts'));
const main = isClone ? at('../src/cli/main.ts') : at('../dist/cli/main.js');
// Sources that are compiled once halve the start of every later command; nobody else can write to a clone's folder.
const env = isClone ? { NODE_COMPILE_CACHE: at('../.cache/node'), ...process.env } : process.env;

const [major, minor] = process.versions.node.split('.').map(Number);
if (node === process.execPath && (major < 24 || (major === 24 && minor < 12))) {
  console.error(`chorus needs Node 24.12 or newer; this is ${process.version}. In a clone, run \`npm ci\` first.`);
  process.exit(1);
}

const args = ['--max-semi-space-size=16', main, ...process.argv.slice(2)];
// Where this Node can, it becomes the other one: no process between, and signals go to whom they are meant for.
if (process.execve) process.execve(node, [node, ...args], env);
else runAsChild();

function runAsChild() {
  const child = spawn(node, args, { stdio: 'inherit', env });
  // A terminal's Ctrl-C reaches the child twice then, which counts as one.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    console.error(`chorus: ${node} cannot be started: ${error.message}`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => {
    if (signal) {
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
    } else {
      process.exit(code ?? 1);
    }
  });
}
