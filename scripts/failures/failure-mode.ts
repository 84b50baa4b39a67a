/** An edit of the source that takes a remedy away: tests that pass without it would prove nothing. */
export interface RemedyRemoval {
  /** What is taken away, in a few words. */
  readonly name: string;
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly find: string;
  readonly replace: string;
  /** The tests of the mode that must fail then. */
  readonly tests: readonly string[];
}

/** One way in which a GPU service goes wrong, and the tests that show it going on. */
export interface FailureMode {
  readonly number: number;
  readonly name: string;
  readonly tests: readonly string[];
  readonly removals: readonly RemedyRemoval[];
}
