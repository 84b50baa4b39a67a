import type { EngineFailure } from './failures.ts';
import { KNOWN_TEXTS } from './known-texts.ts';

/** How a process ended: by its own exit, by a signal, or it never came to be. */
export type ProcessExit =
  | { readonly kind: 'exited'; readonly exitCode: number }
  | { readonly kind: 'killed'; readonly signal: string }
  | { readonly kind: 'not_started'; readonly message: string; readonly programMissing: boolean };

/** Lines that a healthy vLLM writes too, or that only say that something else went wrong. */
const NOT_A_CAUSE =
  /Engine core initialization failed|EngineCore failed to start|EngineDeadError|EngineCore encountered|FutureWarning|DeprecationWarning|UserWarning|resource_tracker|nanobind|^\s*warnings\.warn/;
/** What the server says when the engine process behind it is gone; that one said why, if it could. */
const ENGINE_DEAD = /EngineDeadError|EngineCore encountered/;
/** A line below the level of an error, of vLLM's logger (behind its process), uvicorn's (`INFO:`) or torch's (`[W1124 …`). */
const REMARK = /^(?:\([\w-]+ pid=\d+\)\s?)?(?:DEBUG\b|INFO\b|WARNING\b|\[?[IW]\d{4} |\[transformers\])/;
const EXCEPTION = /\b([A-Za-z_][\w.]*(?:Error|Exception)): .+/;
const MAX_QUOTE_CHARACTERS = 300;

/** What is known of an end beside its exit and its log. */
export interface Circumstances {
  /** It had served requests, so its log may quote them: nothing of it is repeated but names of exceptions. */
  readonly hasServed?: boolean;
  /** Meanwhile the kernel ended a process of this control group for want of memory. */
  readonly oomKilled?: boolean;
}

/**
 * The engine's own reason for its end, from its exit and its last log lines (without escape codes); remarks below the
 * level of an error do not count. When no known text occurs: the first exception, else the last line that mentions an
 * error, else the last line, and always how it ended. A signal from outside explains itself.
 */
export function diagnoseExit(
  exit: ProcessExit,
  lines: readonly string[],
  { hasServed = false, oomKilled = false }: Circumstances = {},
): EngineFailure {
  if (exit.kind === 'not_started') return notStarted(exit);
  const texts = lines.filter((line) => !REMARK.test(line)).map(withoutPrefix);
  const known = knownFailure(texts, hasServed);
  if (oomKilled && (known === null || known.code === 'engine_died')) return hostOutOfMemory(exit);
  if (known !== null) return known;
  const message =
    exit.kind === 'killed' ? describeExit(exit) : `${describeExit(exit)}${lastWords(exit.exitCode, texts, hasServed)}`;
  return { code: 'crashed', message, remedy: remedyFor(exit), retry: 'backoff' };
}

function knownFailure(texts: readonly string[], hasServed: boolean): EngineFailure | null {
  for (const { code, pattern, say, afterServing, remedy, retry } of KNOWN_TEXTS) {
    if (hasServed && afterServing === undefined) continue;
    const match = texts.map((text) => pattern.exec(text)).find((found) => found !== null);
    if (!match) continue;
    const message = hasServed ? `${afterServing}; its log has the rest` : quote(say ? say(match) : match[0]);
    return { code, message, remedy, retry };
  }
  return null;
}

function hostOutOfMemory(exit: Exclude<ProcessExit, { kind: 'not_started' }>): EngineFailure {
  return {
    code: 'host_out_of_memory',
    message: `the kernel ended it for want of memory of the host: ${describeExit(exit)}`,
    remedy: 'Give the machine or its container more memory, or start fewer replicas; the kernel log names the process.',
    retry: 'backoff',
  };
}

function notStarted({ message, programMissing }: Extract<ProcessExit, { kind: 'not_started' }>): EngineFailure {
  return {
    code: 'not_started',
    message: `it could not be started: ${message}`,
    remedy: programMissing
      ? 'Install vLLM, or name the Python interpreter of its environment with --python.'
      : 'The state directory must be writable and this user may need higher limits (ulimit -a).',
    retry: programMissing ? 'never' : 'backoff',
  };
}

/** `(Worker pid=12) ERROR 11-24 10:00:00 [core.py:1] text` and `ERROR:    text` become `text`. */
function withoutPrefix(line: string): string {
  return line
    .replace(/^\([\w-]+ pid=\d+\)\s?/, '')
    .replace(/^(?:ERROR|CRITICAL):?\s+(?:\d\d-\d\d \d\d:\d\d:\d\d \[[^\]]*\]\s?)?/, '');
}

/**
 * The line that tells most about an end that no known text explains, to be appended to how it ended. A vLLM whose engine
 * process died exits with code 0 long after its last line, which then tells nothing.
 */
function lastWords(exitCode: number, texts: readonly string[], hasServed: boolean): string {
  const candidates = texts.filter((text) => text.trim() !== '' && !NOT_A_CAUSE.test(text));
  const exception = candidates.map((text) => EXCEPTION.exec(text)).find((match) => match !== null);
  if (hasServed && exception) return `: ${exception[1]}; its log has the rest`;
  const error = exception?.[0] ?? candidates.findLast((text) => /error|fatal/i.test(text));
  const line = error ?? (exitCode === 0 ? undefined : candidates.at(-1));
  if (line !== undefined) return hasServed ? '; its log has its last words' : `: ${quote(line.trim())}`;
  return texts.some((text) => ENGINE_DEAD.test(text))
    ? ' after its engine process had died without a word'
    : ' without a word about it in its log';
}

/** How it ended, as the start of a sentence: `it exited with code 1`. */
function describeExit(exit: Exclude<ProcessExit, { kind: 'not_started' }>): string {
  switch (exit.kind) {
    case 'exited':
      return exit.exitCode === 0 ? 'it exited by itself (code 0)' : `it exited with code ${exit.exitCode}`;
    case 'killed':
      return `it was ended from outside by ${exit.signal}`;
  }
}

function remedyFor(exit: ProcessExit): string {
  return exit.kind === 'killed' && exit.signal === 'SIGKILL'
    ? 'If nobody sent it, the kernel did for want of memory: see dmesg.'
    : 'Its log file has the rest.';
}

function quote(text: string): string {
  return text.length <= MAX_QUOTE_CHARACTERS ? text : `${text.slice(0, MAX_QUOTE_CHARACTERS)}…`;
}
