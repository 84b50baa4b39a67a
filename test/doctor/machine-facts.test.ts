import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readMachineFacts } from '../../src/doctor/machine-facts.ts';
import { processStartTicks } from '../../src/system/process-group.ts';

it('a port that the Chorus of the same state directory holds is told as its own', async () => {
  const stateDir = mkdtempSync(join(tmpdir(), 'chorus-doctor-'));
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const pid = process.ppid;
  const record = { pid, startTicks: processStartTicks(pid), url: `http://127.0.0.1:${port}`, keyFile: null };
  writeFileSync(join(stateDir, 'server.json'), JSON.stringify(record));
  const facts = await readMachineFacts({ stateDir, host: '127.0.0.1', port, environment: {} });
  expect(facts.port).toEqual({
    kind: 'taken',
    holder: `the Chorus of ${stateDir} (pid ${pid}), which serves already: chorus status shows it`,
  });
  server.close();
  rmSync(stateDir, { recursive: true });
});
