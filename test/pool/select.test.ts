import { describe, expect, it } from 'vitest';
import { selectReplica, type Candidate, type Need } from '../../src/pool/select.ts';
import { aReplica } from '../support/replicas.ts';

const need: Need = { model: 'gpt-oss-20b', promptTokens: 100, outputTokens: 1, exclude: new Set(), isSuspect: false };
const hopeless = { mayBecomeReady: false, othersMayCome: false, leftMs: null, sentence: 'e0 failed.' };
const loading = { mayBecomeReady: true, othersMayCome: true, leftMs: null, sentence: 'e0 is loading.' };

const candidate = (engineId: string, rest: Partial<Candidate> = {}): Candidate => ({
  replica: aReplica({ engineId }),
  inFlight: 0,
  hasSuspect: false,
  isResting: false,
  lastChosen: 0,
  ...rest,
});

describe('selectReplica', () => {
  it('takes the replica with the fewest requests in flight', () => {
    const chosen = selectReplica([candidate('e0', { inFlight: 2 }), candidate('e1', { inFlight: 1 })], need, hopeless);
    expect(chosen).toMatchObject({ kind: 'go', replica: { engineId: 'e1' } });
  });

  it('takes the one chosen longest ago among equals, so that lone requests take turns', () => {
    const chosen = selectReplica(
      [candidate('e0', { lastChosen: 9 }), candidate('e1', { lastChosen: 8 })],
      need,
      hopeless,
    );
    expect(chosen).toMatchObject({ kind: 'go', replica: { engineId: 'e1' } });
  });

  it('passes over a replica that already failed this request, but not over its next start', () => {
    const tried = { ...need, exclude: new Set(['e0#0']) };
    expect(selectReplica([candidate('e0')], tried, loading)).toEqual({ kind: 'wait' });
    const restarted = { ...candidate('e0'), replica: aReplica({ engineId: 'e0', generation: 1 }) };
    expect(selectReplica([restarted], tried, loading)).toMatchObject({ kind: 'go' });
  });

  it('lingers over a refusal when every replica has failed this request and no other one is coming', () => {
    const tried = { ...need, exclude: new Set(['e0#0']) };
    const inRotation = {
      mayBecomeReady: true,
      othersMayCome: false,
      leftMs: null,
      sentence: '1 of 1 replicas in rotation.',
    };
    expect(selectReplica([candidate('e0')], tried, inRotation)).toMatchObject({
      kind: 'linger',
      error: {
        errorName: 'no_replica',
        status: 503,
        message:
          'Every replica of gpt-oss-20b in rotation that could take the request has failed it (1), and no other one is starting.',
      },
    });
  });

  it('keeps suspects apart, and lets one wait rather than refuse it where each replica has one', () => {
    const [taken, free] = [candidate('e0', { hasSuspect: true }), candidate('e1', { inFlight: 9 })];
    const suspect = { ...need, isSuspect: true };
    expect(selectReplica([taken, free], suspect, hopeless)).toMatchObject({ kind: 'go', replica: { engineId: 'e1' } });
    expect(selectReplica([taken], suspect, hopeless)).toEqual({ kind: 'wait' });
    expect(selectReplica([taken], need, hopeless)).toMatchObject({ kind: 'go' });
  });

  it('considers only replicas on which prompt and wanted output fit', () => {
    const small = { ...candidate('e0'), replica: aReplica({ engineId: 'e0', maxModelLen: 100 }) };
    const large = candidate('e1', { inFlight: 5 });
    expect(selectReplica([small, large], need, hopeless)).toMatchObject({ kind: 'go', replica: { engineId: 'e1' } });
  });

  it('refuses an input that no replica can hold, with the numbers, and does not wait for it', () => {
    const small = { ...candidate('e0'), replica: aReplica({ engineId: 'e0', maxModelLen: 100 }) };
    const refused = selectReplica([small], need, loading);
    if (refused.kind !== 'refuse') throw new Error(refused.kind);
    expect(refused.error).toMatchObject({ code: 'context_length_exceeded', param: 'input', status: 400 });
    expect(refused.error.message).toContain('100 tokens');
  });

  it('names the largest max_output_tokens that fits when the prompt alone would', () => {
    const small = { ...candidate('e0'), replica: aReplica({ engineId: 'e0', maxModelLen: 130 }) };
    const refused = selectReplica([small], { ...need, outputTokens: 64 }, hopeless);
    expect(refused).toMatchObject({ error: { message: expect.stringContaining('max_output_tokens to 30 or less') } });
  });

  it('waits while a replica may come and refuses with the reason when none will', () => {
    expect(selectReplica([], need, loading)).toEqual({ kind: 'wait' });
    expect(selectReplica([], need, hopeless)).toMatchObject({
      kind: 'refuse',
      error: { status: 503, message: expect.stringContaining('e0 failed.') },
    });
  });
});
