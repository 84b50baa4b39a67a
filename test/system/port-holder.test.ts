import { spawn } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { describePortHolder } from '../../src/system/port-holder.ts';

it('names the process that listens on a port, and nobody once it is free', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  expect(describePortHolder(port)).toContain(`(pid ${process.pid})`);
  server.close();
  await once(server, 'close');
  expect(describePortHolder(port)).toBeNull();
});

it('names a program of Node.js node', async () => {
  const program = `require('node:net').createServer().listen(0, function () { console.log(this.address().port); })`;
  const child = spawn(process.execPath, ['-e', program]);
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  expect(describePortHolder(Number(line.toString()))).toBe(`node (pid ${child.pid})`);
  child.kill();
});
