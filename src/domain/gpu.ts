/**
 * One device as nvidia-smi reports it. A figure that the driver does not tell is `null`, never 0.
 * `uuid` is the identity; `index` is what `CUDA_VISIBLE_DEVICES` takes (with `CUDA_DEVICE_ORDER=PCI_BUS_ID`).
 */
export interface Gpu {
  readonly index: number;
  readonly uuid: string;
  readonly name: string;
  readonly pciBusId: string;
  readonly driverVersion: string | null;
  /** Compute capability as a number, for example 9.0 or 12.1. */
  readonly computeCapability: number | null;
  readonly totalBytes: number | null;
  readonly freeBytes: number | null;
  readonly usedBytes: number | null;
  readonly migEnabled: boolean;
  readonly displayActive: boolean;
  /** The host's memory is the card's too (GB10): its figures come from `/proc/meminfo`. */
  readonly unifiedMemory?: true;
  /** The one MIG slice that this process sees, such as `3g.40gb`; the memory figures are then the slice's. */
  readonly migSlice?: string;
  /** What the driver wants done before the card is used again, such as `Reset` (`gpu_recovery_action`). */
  readonly recoveryAction?: string;
  /** Other processes that compute on it. */
  readonly processes?: readonly GpuProcess[];
  /** How it reaches others, by their index: `NV18`, `PIX`, `PHB`, `SYS` (`nvidia-smi topo -m`); absent where not known. */
  readonly links?: Readonly<Record<number, string>>;
  /** The driver is unloaded whenever nothing uses the card, so that the next program waits for it. */
  readonly isUnloadedWhenIdle?: true;
  /** Why nothing is started on it although the driver lists it; absent on a card in service. */
  readonly cordon?: Pick<GpuFault, 'code' | 'reason' | 'remedy'>;
}

/** Something that befell a card while it was in use. */
export interface GpuFault {
  readonly uuid: string;
  readonly index: number;
  /** Stable, for scripts: `gpu_lost`, `needs_recovery`, `xid_79`, … */
  readonly code: string;
  /** What happened, as it stands after the card's name: `has fallen off the bus (Xid 79)`. */
  readonly reason: string;
  /** The same as a sentence of its own, with the card's name. */
  readonly sentence: string;
  /** One sentence: what the person should do. */
  readonly remedy: string;
  /** `cordon`: nothing may run on it until it has recovered. `restart`: programs on it may have to start anew, it is well. */
  readonly action: 'restart' | 'cordon';
}

/** A process that nvidia-smi names; inside a container its id is the host's. */
export interface GpuProcess {
  readonly pid: number;
  readonly usedBytes: number | null;
  /** Its program as nvidia-smi names it, such as `/usr/bin/python3` or `VLLM::EngineCore`; absent where it does not. */
  readonly name?: string;
}

/** What holds the memory of one card at a moment. */
export interface GpuMemory {
  readonly uuid: string;
  /** Everything in use, whoever uses it; on unified memory all that the host uses too. */
  readonly usedBytes: number;
  /** What new processes can take. */
  readonly freeBytes: number;
  /** Those that compute on it; a container may not see them although `usedBytes` counts what they hold. */
  readonly processes: readonly GpuProcess[];
}

/** The memory of every card now, without those that tell no figure; null when nvidia-smi gives no answer. Never rejects. */
export type GpuMemoryReader = () => Promise<readonly GpuMemory[] | null>;

/** What the planner needs to know of the host. */
export interface Host {
  readonly cpuModel: string;
  readonly cpuCount: number;
  /** AMX tiles: what vLLM's CPU build needs for the MXFP4 experts of the real gpt-oss (docs/…/cpu.md of vLLM). */
  readonly hasAmx: boolean;
  readonly totalBytes: number;
  /** Memory that new processes can take: `MemAvailable`. */
  readonly availableBytes: number;
}

/** Something found while looking at the machine, with what to do about it. */
export interface Finding {
  readonly code: string;
  readonly severity: 'info' | 'warning' | 'error';
  readonly message: string;
  /** One sentence: what the person should do. */
  readonly remedy: string;
}

/** The machine as the planner sees it; `chorus plan --inventory FILE` reads one from JSON. */
export interface Inventory {
  readonly gpus: readonly Gpu[];
  readonly host: Host;
  readonly findings: readonly Finding[];
  /** Anything of NVIDIA is visible here, usable or not: then Chorus never simulates by accident. */
  readonly nvidiaVisible: boolean;
}
