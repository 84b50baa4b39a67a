import { commonReason, type ExitReason, Refusal } from '../domain/refusal.ts';

/** `fail` prevents serving, `warn` does not, `skip` could not or need not be looked at. */
export type CheckStatus = 'ok' | 'warn' | 'fail' | 'skip';

/** One thing that the doctor looked at. */
export interface DoctorCheck {
  /** Stable, for scripts: `driver`, `disk`, … */
  readonly id: string;
  readonly status: CheckStatus;
  /** What was found, in words. */
  readonly value: string;
  /** One sentence that says what to do; null where nothing is to be done. */
  readonly fix: string | null;
  /** Of what fails: how a start ends that is refused for nothing else. */
  readonly exit?: ExitReason;
}

/**
 * The refusal that failed checks make, each with its fix; null when nothing prevents serving. Its exit code is theirs
 * where they agree on one, else 69.
 */
export function refusalOf(checks: readonly DoctorCheck[]): Refusal | null {
  const failed = checks.filter(({ status }) => status === 'fail');
  if (failed.length === 0) return null;
  const lines = failed.map(({ id, value, fix }) => `  ${id}: ${value} ${fix ?? ''}`.trimEnd());
  return new Refusal(
    commonReason(failed.map(({ exit = 'unavailable' }) => exit)),
    ['This machine cannot serve yet:', ...lines].join('\n'),
  );
}

/** A verdict on what was found; `check` gives it its id. */
export type Verdict = Omit<DoctorCheck, 'id'>;

export const ok = (value: string): Verdict => ({ status: 'ok', value, fix: null });
export const warn = (value: string, fix: string): Verdict => ({ status: 'warn', value, fix });
export const fail = (value: string, fix: string, exit: ExitReason = 'unavailable'): Verdict => ({
  status: 'fail',
  value,
  fix,
  exit,
});
export const skip = (value: string): Verdict => ({ status: 'skip', value, fix: null });
