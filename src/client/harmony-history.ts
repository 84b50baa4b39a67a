import type { HarmonyMessage } from '../harmony/message.ts';
import { LMError } from './errors.ts';

/** A turn and all before it. */
export interface HarmonyTurn {
  /** The turn that it went on from; null for the first one. */
  readonly before: HarmonyTurn | null;
  /** What was said in this turn: by the user, then by the model. */
  readonly messages: readonly HarmonyMessage[];
  /** The functions that the model called in it, by the ids of the calls. */
  readonly calledFunctions: ReadonlyMap<string, string>;
  /** `YYYY-MM-DD`, UTC: of the chain's first turn, so that all its prompts begin alike. */
  readonly date: string;
}

/** How many responses can be gone on from; of an older one only what later turns hold of it is kept. */
const MAX_RESPONSES = 1000;

/** What a server of tokens does not keep: the conversation behind each response id. */
export class HarmonyHistory {
  readonly #turns = new Map<string, HarmonyTurn>();

  /** Throws an `LMError` for a response that is not known, or not any more. */
  recall(responseId: string): HarmonyTurn {
    const turn = this.#turns.get(responseId);
    if (turn) return turn;
    const kept = `In harmony mode an LM and its forks know their own last ${MAX_RESPONSES} responses.`;
    throw new LMError('unknown_response', `There is no response ${responseId} to go on from. ${kept}`);
  }

  remember(responseId: string, turn: HarmonyTurn): void {
    this.#turns.set(responseId, turn);
    const [oldest] = this.#turns.keys();
    if (this.#turns.size > MAX_RESPONSES && oldest !== undefined) this.#turns.delete(oldest);
  }
}

/** Everything that was said up to a turn, in order. */
export function messagesUpTo(last: HarmonyTurn | null): HarmonyMessage[] {
  const turns: HarmonyTurn[] = [];
  for (let turn = last; turn !== null; turn = turn.before) turns.push(turn);
  return turns.reverse().flatMap(({ messages }) => messages);
}

/** The function that a call of a turn or of one before it was for; null for an id that no call has. */
export function calledFunction(last: HarmonyTurn | null, callId: string): string | null {
  for (let turn = last; turn !== null; turn = turn.before) {
    const name = turn.calledFunctions.get(callId);
    if (name !== undefined) return name;
  }
  return null;
}
