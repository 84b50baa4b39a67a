import { mkdirSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { Command } from 'commander';
import { expect, it } from 'vitest';
import { csvLine } from '../../src/cli/csv.ts';
import { addUsageCommand } from '../../src/cli/usage.ts';
import { join } from 'node:path';
import { openStore, storeDirectory, usageRow } from '../support/store-bench.ts';

/** What the command prints about a state directory that no server has. */
async function usage(stateDir: string, ...args: readonly string[]): Promise<string[]> {
  const printed = new PassThrough();
  const program = new Command().exitOverride();
  addUsageCommand(program, printed);
  await program.parseAsync(['usage', '--state-dir', stateDir, ...args], { from: 'user' });
  printed.end();
  return String(printed.read() ?? '')
    .trimEnd()
    .split('\n');
}

/** A state directory in which some requests were recorded. */
async function recorded(): Promise<string> {
  const stateDir = storeDirectory();
  mkdirSync(join(stateDir, 'store'));
  const store = await openStore({ directory: join(stateDir, 'store') });
  await store.usage.add(usageRow({ id: 'a', project: 'alpha', keyId: 'key_1', inputTokens: 1200 }));
  await store.usage.add(
    usageRow({ id: 'b', project: 'alpha', keyId: 'key_1', outcome: 'failed', error: 'no_replica' }),
  );
  await store.usage.add(usageRow({ id: 'c', project: 'say "x", y', isSimulated: false, firstOutputMs: null }));
  await store.close();
  return stateDir;
}

it('adds up by project and key, with the sum of all, where no server runs', async () => {
  expect(await usage(await recorded())).toEqual([
    'PROJECT     KEY    REQUESTS  FAILED  ABORTED  SIMULATED  INPUT TOKENS  CACHED TOKENS  OUTPUT TOKENS  REASONING TOKENS',
    'alpha       key_1  2         1       0        2          1,300         128            40             10',
    'say "x", y  -      1         0       0        0          100           64             20             5',
    'all                3         1       0        2          1,400         192            60             15',
  ]);
});

it('writes sums and rows as CSV and as JSON Lines', async () => {
  const stateDir = await recorded();
  expect(await usage(stateDir, '--csv', '--by', 'day,project')).toEqual([
    'day,project,requests,failed,aborted,simulated,input_tokens,cached_tokens,output_tokens,reasoning_tokens',
    '2023-11-14,alpha,2,1,0,2,1300,128,40,10',
    '2023-11-14,"say ""x"", y",1,0,0,0,100,64,20,5',
  ]);
  expect((await usage(stateDir, '--json', '--by', 'model')).map((line) => JSON.parse(line))).toEqual([
    {
      model: 'gpt-oss-20b',
      requests: 3,
      failed: 1,
      aborted: 0,
      simulated: 2,
      input_tokens: 1400,
      cached_tokens: 192,
      output_tokens: 60,
      reasoning_tokens: 15,
    },
  ]);
  expect((await usage(stateDir, '--rows'))[2]).toBe(
    '2,b,2023-11-14T22:13:20.000Z,alpha,key_1,responses,gpt-oss-20b,false,failed,no_replica,true,100,64,20,5,30,400',
  );
  const rows = (await usage(stateDir, '--rows', '--json')).map((line) => JSON.parse(line) as { id: string });
  expect(rows.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
  expect(rows[2]).toMatchObject({ position: 3, key: null, first_output_ms: null, simulated: false });
});

it('takes filters, and says when nothing is left', async () => {
  const stateDir = await recorded();
  expect((await usage(stateDir, '--csv', '--key', 'key_1')).length).toBe(2);
  expect(await usage(stateDir, '--since', '1d')).toEqual(['No requests.']);
  expect((await usage(stateDir, '--rows', '--until', '2023-11-15', '--project', 'alpha')).length).toBe(3);
});

it('refuses what it cannot do, by the name of the flag', async () => {
  const stateDir = storeDirectory();
  await expect(usage(stateDir)).rejects.toThrow(/^No usage is recorded in .*: no Chorus that keeps anything has run/);
  await expect(usage(stateDir, '--csv', '--json')).rejects.toThrow('Give --csv or --json, not both.');
  await expect(usage(stateDir, '--rows', '--by', 'day')).rejects.toThrow('leave out --by, or --rows');
  await expect(usage(stateDir, '--since', 'monday')).rejects.toThrow(/^--since is a time ago such as 7d/);
  await expect(usage(stateDir, '--by', 'colour')).rejects.toMatchObject({ exitCode: 64 });
});

it('quotes the cells that need it', () => {
  expect(csvLine(['a', null, 1, true, 'x,y', 'say "hi"', 'two\nlines'])).toBe(
    'a,,1,true,"x,y","say ""hi""","two\nlines"',
  );
});
