import { beforeEach, describe, expect, it } from 'vitest';
import { RestartTurns } from '../../src/engine/restart-turns.ts';

let serving: boolean;
let told: string[];
let turns: RestartTurns;

beforeEach(() => {
  serving = true;
  told = [];
  turns = new RestartTurns(() => serving);
});

function ask(engineId: string): AbortController {
  const phase = new AbortController();
  const taken = (by: string): void => void told.push(`${engineId} waits for ${by}`);
  turns.ask(engineId, { given: () => told.push(`${engineId} starts`), taken }, phase.signal);
  return phase;
}

describe('restarts while an engine serves', () => {
  it('come one after another, in the order in which they were asked for', () => {
    for (const engineId of ['e0', 'e1', 'e2']) ask(engineId);
    expect(told).toEqual(['e0 starts', 'e1 waits for e0', 'e1 waits for e0', 'e2 waits for e0']);
    told = [];
    turns.release('e0');
    expect(told).toEqual(['e1 starts', 'e2 waits for e1']);
  });

  it('are not held up by one that no longer asks, nor by one that never had a turn', () => {
    ask('e0');
    ask('e1').abort();
    ask('e2');
    told = [];
    turns.release('e3');
    expect(told).toEqual([]);
    turns.release('e0');
    expect(told).toEqual(['e2 starts']);
  });
});

describe('restarts while none serves', () => {
  it('come at once', () => {
    serving = false;
    for (const engineId of ['e0', 'e1', 'e2']) ask(engineId);
    expect(told).toEqual(['e0 starts', 'e1 starts', 'e2 starts']);
  });

  it('come as soon as the last serving one has left rotation', () => {
    ask('e0');
    ask('e1');
    serving = false;
    told = [];
    turns.reconsider();
    expect(told).toEqual(['e1 starts']);
  });
});
