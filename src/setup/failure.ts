import { type ExitReason, Refusal } from '../domain/refusal.ts';

interface FailureKind {
  readonly exit: ExitReason;
  /** The same request may succeed a little later. */
  readonly passes: boolean;
  readonly remedy: string;
}

const again = 'Run the same command again: what is here already is kept.';

/** Every way in which installing or downloading ends without success. Names are never renamed. */
const FAILURES = {
  python_missing: {
    exit: 'unavailable',
    passes: false,
    remedy: 'Install uv (https://docs.astral.sh/uv) or a Python 3.10 to 3.14, or name an interpreter with --python.',
  },
  venv_missing: {
    exit: 'unavailable',
    passes: false,
    remedy: 'Install its venv module (Debian and Ubuntu: sudo apt install python3-venv), or install uv.',
  },
  driver_too_old: {
    exit: 'unavailable',
    passes: false,
    remedy: 'Update the NVIDIA driver to 580 or newer, or name an environment of your own with --python.',
  },
  vllm_unusable: {
    exit: 'unavailable',
    passes: false,
    remedy: 'Repair or upgrade it, or leave --python out: then Chorus installs vLLM into an environment of its own.',
  },
  install_failed: {
    exit: 'temporary',
    passes: false,
    remedy: 'The installer says what is wrong. An index of your own is named with UV_DEFAULT_INDEX or PIP_INDEX_URL.',
  },
  setup_running: { exit: 'unavailable', passes: false, remedy: 'Wait for it, or end it.' },
  disk_full: {
    exit: 'ioError',
    passes: false,
    remedy: 'Make room, or choose a larger disk with --state-dir; what is here already is kept.',
  },
  disk_error: { exit: 'ioError', passes: false, remedy: 'Repair the disk or its permissions, then run it again.' },
  offline: {
    exit: 'unavailable',
    passes: false,
    remedy: 'Unset HF_HUB_OFFLINE, put the model into the Hugging Face cache, or name a folder with --model-path.',
  },
  hub_settings: {
    exit: 'usage',
    passes: false,
    remedy: 'Correct the variable (addresses begin with http:// or https://), or unset it.',
  },
  hub_unreachable: {
    exit: 'temporary',
    passes: true,
    remedy: 'Check the network, HTTPS_PROXY and HF_ENDPOINT (a mirror), or name a folder with --model-path.',
  },
  hub_broke_off: { exit: 'temporary', passes: true, remedy: again },
  hub_stalled: { exit: 'temporary', passes: true, remedy: again },
  hub_unauthorised: {
    exit: 'noPermission',
    passes: false,
    remedy: 'The token in HF_TOKEN (or of `hf auth login`) is wrong or missing: make one at the hub, or unset it.',
  },
  hub_forbidden: {
    exit: 'noPermission',
    passes: false,
    remedy: 'Accept the terms of the repository on its page, or use a token that may read it (HF_TOKEN).',
  },
  hub_not_found: {
    exit: 'unavailable',
    passes: false,
    remedy: 'Check HF_ENDPOINT: the mirror does not have this repository. Unset it, or use --model-path.',
  },
  hub_rate_limited: {
    exit: 'temporary',
    passes: true,
    remedy: 'Wait some minutes, or set HF_TOKEN for a higher limit.',
  },
  hub_error: { exit: 'temporary', passes: true, remedy: again },
  hub_redirects: {
    exit: 'unavailable',
    passes: false,
    remedy: 'Check HF_ENDPOINT and the proxy: they send the download in a circle.',
  },
  hub_nonsense: {
    exit: 'unavailable',
    passes: false,
    remedy: 'Check HF_ENDPOINT and the proxy: what answers there is no Hugging Face hub.',
  },
  wrong_checksum: {
    exit: 'temporary',
    passes: true,
    remedy: 'A proxy or mirror alters the file: use another HF_ENDPOINT, or check the disk.',
  },
} as const satisfies Record<string, FailureKind>;

export type SetupFailureCode = keyof typeof FAILURES;

interface SetupFailureDetails {
  readonly retryAfterMs?: number | null;
  readonly cause?: unknown;
  /** Where the one of the code does not fit. */
  readonly remedy?: string;
}

/** A setup that cannot go on. The message is a sentence that says what happened and ends with the remedy. */
export class SetupFailure extends Refusal {
  readonly code: SetupFailureCode;
  readonly sentence: string;
  readonly remedy: string;
  /** How long the server asks to wait, or null. */
  readonly retryAfterMs: number | null;

  constructor(
    code: SetupFailureCode,
    sentence: string,
    { retryAfterMs = null, cause, remedy = FAILURES[code].remedy }: SetupFailureDetails = {},
  ) {
    const { exit } = FAILURES[code];
    super(exit, `${sentence} ${remedy}`, { cause });
    this.name = 'SetupFailure';
    this.code = code;
    this.sentence = sentence;
    this.remedy = remedy;
    this.retryAfterMs = retryAfterMs;
  }

  /** Trying again may help. */
  get passes(): boolean {
    return FAILURES[this.code].passes;
  }
}

/** What a person should do about a failure of this kind. */
export function remedyOf(code: SetupFailureCode): string {
  return FAILURES[code].remedy;
}

/** The exit code of whoever gives up for a failure of this kind. */
export function exitReasonOf(code: SetupFailureCode): ExitReason {
  return FAILURES[code].exit;
}

const DISK_FULL = ['ENOSPC', 'EDQUOT'];

/** A failed write or read of a local file, as a `SetupFailure`. */
export function diskFailure(file: string, error: unknown): SetupFailure {
  const { code, message } = error as NodeJS.ErrnoException;
  if (DISK_FULL.includes(code ?? '')) {
    return new SetupFailure('disk_full', `The disk is full while ${file} is written.`, { cause: error });
  }
  return new SetupFailure('disk_error', `${file} cannot be written: ${message}.`, { cause: error });
}
