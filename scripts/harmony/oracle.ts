import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline';
import { vocabularyDirectory } from '../../src/system/vocabulary.ts';
import type { LibraryConversation } from './library-form.ts';

/** The version that our rendering is compared with; later ones spell past calls in another way. */
const LIBRARY = 'openai-harmony==0.0.8';

const environment = fileURLToPath(new URL('../../.cache/harmony-oracle', import.meta.url));
const python = `${environment}/bin/python`;
const driver = fileURLToPath(new URL('oracle.py', import.meta.url));

/** A message as the library parsed it. */
export interface LibraryMessage {
  readonly role: string;
  readonly channel: string | null;
  readonly recipient: string | null;
  readonly contentType: string | null;
  readonly text: string;
}

/** What the library made of a token stream: the messages up to its error, if it had one. */
export interface LibraryParse {
  readonly messages: readonly LibraryMessage[];
  readonly error: string | null;
}

export interface ParseRequest {
  readonly ids: readonly number[];
  /** The stream continues a prompt that ended in `<|start|>assistant`. */
  readonly prompted: boolean;
  readonly strict: boolean;
}

/** The official library in a Python process of its own. Requests are answered in order; `close` ends the process. */
export class Oracle {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;

  constructor() {
    this.#child = spawn(python, [driver], { env: { ...process.env, TIKTOKEN_ENCODINGS_BASE: vocabularyDirectory } });
    this.#child.stderr.pipe(process.stderr);
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** Encodes texts; spellings of special tokens in them are plain text. */
  encode(texts: readonly string[]): Promise<number[][]> {
    return this.#ask('encode', texts);
  }

  /** Encodes texts; spellings of special tokens in them are those tokens. */
  encodeSpecial(texts: readonly string[]): Promise<number[][]> {
    return this.#ask('encode_special', texts);
  }

  /** Renders conversations for completion by the assistant, without dropping any analysis. */
  render(conversations: readonly LibraryConversation[]): Promise<number[][]> {
    return this.#ask('render', conversations);
  }

  parse(streams: readonly ParseRequest[]): Promise<LibraryParse[]> {
    return this.#ask('parse', streams);
  }

  close(): void {
    this.#child.stdin.end();
  }

  async #ask<Answer>(operation: string, items: readonly unknown[]): Promise<Answer[]> {
    this.#child.stdin.write(`${JSON.stringify({ operation, items })}\n`);
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error(`The harmony library's process ended while it was asked to ${operation}.`);
    return JSON.parse(value) as Answer[];
  }
}

/** Starts the oracle; the first time, installs the library into an environment of its own. Throws with what is needed. */
export function openOracle(): Oracle {
  if (!existsSync(`${environment}/installed`)) install();
  return new Oracle();
}

function install(): void {
  const steps: readonly (readonly [command: string, ...args: string[]])[] = [
    ['python3', '-m', 'venv', environment],
    [python, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', LIBRARY],
    ['touch', `${environment}/installed`],
  ];
  for (const [command, ...args] of steps) {
    console.log(`oracle: ${command} ${args.join(' ')}`);
    const { status, error } = spawnSync(command, args, { stdio: 'inherit' });
    if (status === 0) continue;
    const cause = error === undefined ? `ended with ${status}` : error.message;
    throw new Error(
      `Comparing with the harmony library needs Python 3.9 or newer with venv and pip, and a package index that has ` +
        `${LIBRARY}. This step failed: ${command} ${args.join(' ')} (${cause}).`,
    );
  }
}
