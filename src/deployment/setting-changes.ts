import type { EffectiveSetting } from '../config/load-config.ts';
import type { TakesEffect } from '../config/setting-notes.ts';
import { SETTINGS } from '../config/settings.ts';

/** A setting that has another value than the running server uses. */
export interface SettingChange {
  readonly path: string;
  /** Null: nothing was set. */
  readonly from: unknown;
  readonly to: unknown;
  /** `restart`: the running server keeps the old value. */
  readonly takesEffect: TakesEffect | 'restart';
}

/** What differs between the settings in use and those that were read, in the order of the schema. */
export function settingChanges(
  inUse: readonly EffectiveSetting[],
  read: readonly EffectiveSetting[],
): readonly SettingChange[] {
  return SETTINGS.flatMap(({ path, notes }) => {
    const from = valueOf(path, inUse);
    const to = valueOf(path, read);
    if (JSON.stringify(from) === JSON.stringify(to)) return [];
    return [{ path, from, to, takesEffect: notes.takesEffect ?? 'restart' }];
  });
}

/** What was read, less what a running server cannot take over: there the value in use stays. */
export function withoutRestarts(
  inUse: readonly EffectiveSetting[],
  read: readonly EffectiveSetting[],
): readonly EffectiveSetting[] {
  const fixed = settingChanges(inUse, read).filter(({ takesEffect }) => takesEffect === 'restart');
  return read.map((setting) => {
    const isFixed = fixed.some(({ path }) => path === setting.path);
    return (isFixed && inUse.find(({ path }) => path === setting.path)) || setting;
  });
}

const valueOf = (path: string, settings: readonly EffectiveSetting[]): unknown =>
  settings.find((setting) => setting.path === path)?.value ?? null;
