import { Type } from 'typebox';

/**
 * When a value that changed in a running server takes effect: `at_once`, when an engine next starts (`next_start`), or
 * by replacing `engines` one after another.
 */
export type TakesEffect = 'at_once' | 'next_start' | 'engines';

/** What a setting says beside JSON Schema: how it is spelled elsewhere and what its type cannot express. */
export interface SettingNotes {
  /** Name of the flag where it is not the last key of the path: `engine` for `--engine`. */
  readonly flag?: string;
  /** Each text that the flag is given with is one entry of the list, as it is: such texts hold commas and brackets. */
  readonly flagGivesEntry?: boolean;
  /** What stands for the value in `--help`; none for a switch. */
  readonly placeholder?: string;
  /** The default in words, for a setting that has no value until something is looked up. */
  readonly defaultText?: string;
  /** The value is a file or folder: relative to the config file's folder there, to the working directory elsewhere. */
  readonly isPath?: boolean;
  /** What a reload does with a changed value; none: it needs a restart of Chorus. */
  readonly takesEffect?: TakesEffect;
  /** What is allowed, in words, where the schema alone does not tell. */
  readonly allowed?: string;
  /** What is wrong with a value of the right type, as the end of a sentence, or null. */
  readonly problem?: (value: never) => string | null;
  /** Everything that is wrong with any value, in words that do not repeat it, since it may hold a secret. */
  readonly discreetProblem?: (value: unknown) => string | null;
  /** As `isPath`, of paths in the value. */
  readonly withAbsolutePaths?: (value: never, absolute: (path: string) => string) => unknown;
  /** A variable that means the same where `CHORUS_…` is not set. */
  readonly otherVariable?: string;
}

interface PathNotes extends Pick<SettingNotes, 'takesEffect' | 'flag'> {
  readonly description: string;
  readonly defaultText: string;
}

/** A setting that names a file or folder. */
export const path = (placeholder: string, { description, ...notes }: PathNotes) =>
  Type.String({ minLength: 1, description, notes: { placeholder, ...notes, isPath: true, problem: pathProblem } });

/** Node throws at such a path, long after the settings were read. */
const pathProblem = (value: string): string | null =>
  value.includes('\0') ? 'holds a NUL character, as no path does' : null;
