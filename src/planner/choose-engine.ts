import type { Inventory } from '../domain/gpu.ts';
import type { HostEngine } from '../domain/placement.ts';
import { judgeCards } from './cards.ts';
import { rejectionSentence } from './explain-plan.ts';
import { countOf } from './wording.ts';

/** What is known of the server that is to run, as far as its engine depends on it. */
export interface ServerFacts {
  /** A key with a name is configured: somebody relies on this server. Absent: none is. */
  readonly hasNamedKey?: boolean;
  /** The listener is reachable from other machines. */
  readonly isPublicBind: boolean;
  /** Engines elsewhere are configured: they answer alone where nothing can run here. Absent: none is. */
  readonly hasRemotes?: boolean;
}

/** The engine, or why none may be started; both with the reasons, the most important first. */
export type EngineDecision =
  | { readonly kind: HostEngine; readonly reasons: readonly string[] }
  | { readonly refusal: string; readonly reasons: readonly string[] };

/**
 * Turns `--engine` into the engine to run. `gpu` never falls back; `auto` simulates only where nothing could be meant
 * but a trial: nothing of NVIDIA in sight, no named key, no public address, no engine elsewhere.
 */
export function chooseEngine(flag: HostEngine | 'auto', inventory: Inventory, server: ServerFacts): EngineDecision {
  if (flag === 'cpu' || flag === 'simulated') return { kind: flag, reasons: [`--engine ${flag} was given.`] };
  if (flag === 'none') return withoutEngines(server);
  const { cards, rejections } = judgeCards(inventory.gpus);
  if (cards.length > 0) {
    return { kind: 'gpu', reasons: [`vLLM can use ${cards.length} of ${countOf(inventory.gpus.length, 'GPU')}.`] };
  }
  if (server.hasRemotes) {
    const reasons = rejections.map(rejectionSentence);
    return { kind: 'none', reasons: ['No GPU is usable here, so that engines elsewhere answer alone.', ...reasons] };
  }
  const obstacle = flag === 'gpu' ? '' : whyNotSimulated(inventory, server);
  if (obstacle === null) {
    return { kind: 'simulated', reasons: ['Nothing of NVIDIA is visible here, so the simulator answers.'] };
  }
  return {
    refusal: `No usable GPU${obstacle}. To try Chorus without one: --engine simulated, or --engine cpu for vLLM's CPU build.`,
    reasons: [
      ...rejections.map(rejectionSentence),
      ...inventory.findings
        .filter(({ severity }) => severity !== 'info')
        .map(({ message, remedy }) => `${message} ${remedy}`),
    ],
  };
}

function withoutEngines({ hasRemotes }: ServerFacts): EngineDecision {
  if (hasRemotes) return { kind: 'none', reasons: ['--engine none was given.'] };
  const refusal =
    '--engine none leaves all to engines elsewhere, and none is configured. Name one: --remote-engine URL.';
  return { refusal, reasons: [] };
}

/** What makes a simulated answer a mistake here, or null where it is harmless. */
function whyNotSimulated(
  { gpus, nvidiaVisible }: Inventory,
  { hasNamedKey, isPublicBind }: ServerFacts,
): string | null {
  if (gpus.length > 0 || nvidiaVisible) {
    return ', but something of NVIDIA is visible, so a real server is meant and nothing is simulated unasked';
  }
  if (hasNamedKey) return ', and a named key is configured, so a real server is meant and nothing is simulated unasked';
  if (isPublicBind) return ', and the address is public, where nothing is simulated unasked';
  return null;
}
