export const KiB = 1024;
export const MiB = 1024 * KiB;
export const GiB = 1024 * MiB;

export const DAY_MS = 24 * 60 * 60 * 1000;

/** Bytes as a person reads them: `66.0 GiB`, `512 MiB`. */
export function formatBytes(bytes: number): string {
  if (bytes >= GiB) return `${(bytes / GiB).toFixed(1)} GiB`;
  if (bytes >= MiB) return `${Math.round(bytes / MiB)} MiB`;
  return `${Math.round(bytes / KiB)} KiB`;
}

/** Milliseconds as a person reads them: `850 ms`, `12 s`, `3 min 20 s`. */
export function formatDuration(durationMs: number): string {
  if (durationMs < 1000) return `${Math.round(durationMs)} ms`;
  const seconds = Math.round(durationMs / 1000);
  if (seconds < 120) return `${seconds} s`;
  const rest = seconds % 60;
  return rest === 0 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 60)} min ${rest} s`;
}

/** Time left as a person reads it: never less than a second, because nothing ends in no time. */
export const formatTimeLeft = (leftMs: number): string => formatDuration(Math.max(1000, leftMs));

/** A whole number as a person reads it: `131,072`. */
export function formatCount(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}
