import type { Caller } from '../domain/caller.ts';
import type { CodedError } from '../domain/errors.ts';
import { isLimited, limitsOver, type Limits } from '../domain/limits.ts';
import type { TurnReport } from '../turn/turn-report.ts';
import type { KeyRing } from './key-ring.ts';
import { MinuteCounter } from './minute-counter.ts';
import { rateHeaders, rateLimited, type LimitState, type RateHeaders } from './rate-headers.ts';

/** Nobody knows when an answer ends: a moment, after which asking again costs little. */
const BUSY_WAIT_MS = 1000;

/** Whose use is counted together, and what they may use. */
interface Account extends Limits {
  readonly name: string;
  readonly holder: LimitState['holder'];
}

type Usage = Pick<TurnReport, 'caller' | 'inputTokens' | 'outputTokens'>;
type MinuteLimit = 'requestsPerMinute' | 'tokensPerMinute';

/**
 * Counts what callers use against the limits of their key and of their project, in memory: a restart begins anew. A
 * request that is refused counts nowhere. Tokens are known at the end of a turn: a minute's last turn may use more
 * than is left, and then there is nothing for the next until the minute is over.
 */
export class RateLimits {
  readonly #keys: KeyRing;
  readonly #requests = new MinuteCounter();
  readonly #tokens = new MinuteCounter();
  readonly #running = new Map<string, number>();
  #defaults: Limits;
  #isActive = false;

  constructor(keys: KeyRing, defaults: Limits) {
    this.#keys = keys;
    this.#defaults = defaults;
    this.refresh();
  }

  /** Whether anybody is limited: where nobody is, nobody need be asked for. */
  get isActive(): boolean {
    return this.#isActive;
  }

  /** To be called when limits of keys or projects, or those of the settings (`defaults`), have changed. */
  refresh(defaults: Limits = this.#defaults): void {
    this.#defaults = defaults;
    this.#isActive = isLimited(defaults) || this.#keys.hasLimits;
  }

  /** What an answer says that begins no turn; null for a caller without limits. */
  async headers(caller: Caller): Promise<RateHeaders | null> {
    const accounts = this.#accounts(caller);
    if (accounts.length === 0) return null;
    const [requests, tokens] = await Promise.all([
      measure(accounts, 'requestsPerMinute', ({ name }) => this.#requests.usage(name)),
      measure(accounts, 'tokensPerMinute', ({ name }) => this.#tokens.usage(name)),
    ]);
    return rateHeaders(requests, tokens);
  }

  /**
   * Counts a request that begins a turn, as running until `ended` calls back, or throws a `CodedError` that says when to
   * come again. Whatever happens, `ended` must be able to tell.
   */
  async admit(caller: Caller, ended: (onEnd: () => void) => void): Promise<void> {
    const accounts = this.#accounts(caller);
    const busy = accounts.find(({ concurrent, name }) => concurrent !== null && this.#runningOf(name) >= concurrent);
    if (busy !== undefined) throw tooManyAtOnce(busy);
    this.#count(accounts, 1);
    ended(() => this.#count(accounts, -1));
    const tokens = await measure(accounts, 'tokensPerMinute', ({ name }) => this.#tokens.usage(name));
    const spent = longest(tokens.filter(({ used, limit }) => used >= limit));
    if (spent !== undefined) throw rateLimited('tokens a minute', spent);
    const requests = await measure(accounts, 'requestsPerMinute', ({ name }) => this.#requests.add(name, 1));
    const over = longest(requests.filter(({ used, limit }) => used > limit));
    if (over === undefined) return;
    await measure(accounts, 'requestsPerMinute', ({ name }) => this.#requests.add(name, -1));
    throw rateLimited('requests a minute', over);
  }

  /** Charges what a turn has used. */
  readonly charge = ({ caller, inputTokens, outputTokens }: Usage): void => {
    if (!this.#isActive) return;
    const amount = inputTokens + outputTokens;
    void measure(this.#accounts(caller), 'tokensPerMinute', ({ name }) => this.#tokens.add(name, amount));
  };

  #accounts({ project, keyId }: Caller): readonly Account[] {
    const ofProject = limitsOver(this.#keys.limitsOfProject(project), this.#defaults);
    const accounts: Account[] = [{ name: `project ${project}`, holder: 'project', ...ofProject }];
    if (keyId !== null) accounts.unshift({ name: keyId, holder: 'key', ...this.#keys.limitsOfKey(keyId) });
    return accounts.filter(isLimited);
  }

  #count(accounts: readonly Account[], difference: number): void {
    for (const { name } of accounts) {
      const running = this.#runningOf(name) + difference;
      if (running > 0) this.#running.set(name, running);
      else this.#running.delete(name);
    }
  }

  #runningOf(name: string): number {
    return this.#running.get(name) ?? 0;
  }
}

/** How far each account with a limit of this kind has used it, after `count` has looked or counted. */
async function measure(
  accounts: readonly Account[],
  kind: MinuteLimit,
  count: (account: Account) => ReturnType<MinuteCounter['usage']>,
): Promise<readonly LimitState[]> {
  const states = accounts.map(async (account): Promise<readonly LimitState[]> => {
    const limit = account[kind];
    if (limit === null) return [];
    const { used, leftMs } = await count(account);
    return [{ holder: account.holder, limit, used, resetMs: leftMs }];
  });
  return (await Promise.all(states)).flat();
}

/** The one that has to be waited for when all have. */
function longest(states: readonly LimitState[]): LimitState | undefined {
  return states.toSorted((a, b) => b.resetMs - a.resetMs)[0];
}

function tooManyAtOnce({ holder, concurrent }: Account): CodedError {
  return rateLimited('requests at once', { holder, limit: concurrent ?? 0, used: 0, resetMs: BUSY_WAIT_MS });
}
