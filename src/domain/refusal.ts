/** sysexits.h: what the exit code of a refused start says to a script. */
export const EXIT_CODES = {
  /** The command line is wrong. */
  usage: 64,
  /** The data given is wrong. */
  data: 65,
  /** A file that was named is not there. */
  noInput: 66,
  /** What is needed is not there: no usable GPU, a taken port, no running server. */
  unavailable: 69,
  /** A fault of Chorus itself. */
  software: 70,
  /** A file cannot be written. */
  cannotCreate: 73,
  /** A disk is full or fails. */
  ioError: 74,
  /** The network or a server out there fails: trying again makes sense. */
  temporary: 75,
  /** Somebody else says no: a token is missing, wrong or not enough. */
  noPermission: 77,
  /** A file of this installation, such as a key, holds what cannot be used. */
  config: 78,
} as const;

export type ExitReason = keyof typeof EXIT_CODES;

/**
 * The one reason of several problems. Where they disagree it is `unavailable`, after which a service manager tries again:
 * one of them may pass by itself, and then the next start says what is left.
 */
export function commonReason(reasons: readonly ExitReason[]): ExitReason {
  const [first = 'unavailable', ...others] = reasons;
  return others.every((other) => other === first) ? first : 'unavailable';
}

/** A command that will not do what it was asked, for a reason that the person can act on. */
export class Refusal extends Error {
  readonly exitCode: number;

  constructor(reason: ExitReason, message: string, details: { cause?: unknown } = {}) {
    super(message, details);
    this.name = 'Refusal';
    this.exitCode = EXIT_CODES[reason];
  }
}
