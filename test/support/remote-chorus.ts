import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { DEFAULT_POLICY } from '../../src/engine/policy.ts';
import type { EngineReport } from '../../src/gateway/reports.ts';
import { startQuickChorus, type RunningChorus } from './chorus-process.ts';
import { startSimulator, type EngineProcess } from './engine-process.ts';
import { eventually } from './eventually.ts';
import { openRemote, type RemoteEngine, type RemoteSettings } from './remote-engine.ts';

export const READY_MS = 60_000;
export const NO_LOCAL = ['--engine', 'none'];
const QUICK = { unhealthyDeadlineMs: 2000, restart: { ...DEFAULT_POLICY.restart, firstDelayMs: 100, maxDelayMs: 200 } };

/** What `closeAll` is to close. */
export const open: (() => Promise<unknown>)[] = [];
/** Closes what is open, the latest first. */
export async function closeAll(): Promise<void> {
  for (const close of open.splice(0).toReversed()) await close();
}

export async function simulator(...settings: Parameters<typeof startSimulator>): Promise<EngineProcess> {
  const engine = startSimulator(...settings);
  open.push(() => engine.kill());
  await engine.ready;
  return engine;
}

export async function remote(settings?: RemoteSettings, engine?: EngineProcess): Promise<RemoteEngine> {
  const { socketPath } = engine ?? (await simulator());
  const proxy = await openRemote(socketPath, settings);
  open.push(() => proxy.close());
  return proxy;
}

/** A Chorus with `engines` in a file of its own. */
export async function chorusWith(
  engines: readonly object[],
  flags: readonly string[],
  environment?: NodeJS.ProcessEnv,
): Promise<RunningChorus> {
  const folder = mkdtempSync(join(tmpdir(), 'chorus-remote-'));
  open.push(() => Promise.resolve(rmSync(folder, { recursive: true, force: true })));
  writeFileSync(join(folder, 'key'), 'sk-own\n');
  writeFileSync(join(folder, 'config.yaml'), JSON.stringify({ engines }));
  const chorus = await startQuickChorus(QUICK, ['--config', join(folder, 'config.yaml'), ...flags], environment);
  open.push(async () => (chorus.process.exitCode === null ? chorus.stop() : null));
  return chorus;
}

export const engineOf = async (chorus: RunningChorus, engineId: string): Promise<EngineReport> => {
  const engine = (await chorus.status()).engines.find((one) => one.engineId === engineId);
  return engine ?? expect.fail(`no ${engineId}`);
};

export const reaches = (chorus: RunningChorus, engineId: string, phase: EngineReport['phase']): Promise<EngineReport> =>
  eventually(`${engineId} ${phase}`, READY_MS, async () => {
    const engine = await engineOf(chorus, engineId);
    return engine.phase === phase ? engine : null;
  });
