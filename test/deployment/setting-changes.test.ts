import { expect, it } from 'vitest';
import type { EffectiveSetting } from '../../src/config/load-config.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { settingChanges, withoutRestarts } from '../../src/deployment/setting-changes.ts';

const settingsOf = async (flags: Readonly<Record<string, string>>): Promise<readonly EffectiveSetting[]> =>
  (await loadConfig({ config: '/dev/null', stateDir: '/state', ...flags }, {})).settings;

const inUse = await settingsOf({ port: '8000', gpus: '0,1' });
const read = await settingsOf({ port: '9000', gpus: '0,2', drainSeconds: '60', maxLogMegabytes: '8' });

it('says of each changed setting what a running server does with it, in the order of the schema', () => {
  expect(settingChanges(inUse, read)).toEqual([
    { path: 'engine.gpus', from: [0, 1], to: [0, 2], takesEffect: 'engines' },
    { path: 'engine.max_log_megabytes', from: 64, to: 8, takesEffect: 'next_start' },
    { path: 'server.port', from: 8000, to: 9000, takesEffect: 'restart' },
    { path: 'drain_seconds', from: 30, to: 60, takesEffect: 'at_once' },
  ]);
  expect(settingChanges(inUse, inUse)).toEqual([]);
});

it('keeps the value in use of a setting that needs a restart, and says so again at the next reload', () => {
  const taken = withoutRestarts(inUse, read);
  expect(settingChanges(inUse, taken).map(({ path }) => path)).toEqual([
    'engine.gpus',
    'engine.max_log_megabytes',
    'drain_seconds',
  ]);
  expect(settingChanges(taken, read).map(({ path }) => path)).toEqual(['server.port']);
});
