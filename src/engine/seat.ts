import type { Placement } from '../domain/placement.ts';
import { formatCount } from '../domain/units.ts';
import type { EngineFailure } from './failures.ts';

/** Another placement for a start that failed with this code, or null. The estimate is vLLM's longest context, in tokens. */
export type AdaptPlacement = (
  placement: Placement,
  failureCode: string,
  estimatedContextTokens: number | null,
) => Placement | null;

/**
 * Failures that say that the profile asks for too much. A busy card is none: what holds it may be gone at the next
 * start, and a context cut for its sake would stay short.
 */
const TOO_MUCH_ASKED = ['context_too_long', 'no_kv_cache', 'gpu_out_of_memory'];

/** What one engine is launched with: the planned placement, until a start shows that it asks for too much. */
export class Seat {
  readonly #adapt: AdaptPlacement;
  readonly #planned: Placement;
  #placement: Placement;

  constructor(placement: Placement, adapt: AdaptPlacement) {
    this.#adapt = adapt;
    this.#planned = placement;
    this.#placement = placement;
  }

  get placement(): Placement {
    return this.#placement;
  }

  get isAdapted(): boolean {
    return this.#placement !== this.#planned;
  }

  /** Takes over a profile that works on the same kind of cards, before this engine has to find it by failing. */
  adopt({ profile, gpus, memory }: Placement): void {
    if (this.isAdapted || gpus[0]?.name !== this.#planned.gpus[0]?.name) return;
    this.#placement = { ...this.#planned, profile, ...(memory && { memory }) };
  }

  /** After a failed start: asks for less once, and says so; a second failure stands as it is. */
  revise(failure: EngineFailure): EngineFailure {
    if (this.isAdapted || !TOO_MUCH_ASKED.includes(failure.code)) return failure;
    const estimate = /estimated maximum model length is (\d+)/.exec(failure.message)?.[1];
    const adapted = this.#adapt(this.#placement, failure.code, estimate === undefined ? null : Number(estimate));
    if (adapted === null) return failure;
    this.#placement = adapted;
    const { maxModelLen, gpuMemoryUtilization } = adapted.profile;
    const share = gpuMemoryUtilization === undefined ? '' : ` and ${gpuMemoryUtilization} of the card's memory`;
    const message = `${failure.message} It is tried once more with a context of ${formatCount(maxModelLen)} tokens${share}`;
    return { ...failure, message, retry: 'at_once' };
  }
}
