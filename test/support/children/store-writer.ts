/**
 * A process that holds the store in DIRECTORY: `store-writer.ts DIRECTORY GROUP_SIZE`. Without a group size it prints
 * `open` and waits. With one it puts group after group, each one commit of so many responses `g<group>-<number>` in a
 * chain with its usage, and prints a group's number once all of it has resolved. A store that cannot be had is printed as JSON.
 */
import { openResponseStore } from '../../../src/store/open-response-store.ts';
import { usageRow } from '../usage-row.ts';
import { systemClock } from '../../../src/system/clock.ts';

const [directory = '', size] = process.argv.slice(2);
const groupSize = Number(size ?? 1);
const opening = await openResponseStore({ directory, clock: systemClock, limits: { groupSize } });
if (opening.kind === 'refused') console.log(JSON.stringify(opening.problem));
else if (size === undefined) console.log('open');
else {
  const text = 'x'.repeat(8_000);
  for (let group = 1; ; group++) {
    const puts = Array.from({ length: groupSize }, (_, index) =>
      opening.store.put(
        {
          id: `g${group}-${index}`,
          project: 'default',
          createdAtMs: 0,
          expiresAtMs: Number.MAX_SAFE_INTEGER,
          previousResponseId: index === 0 ? null : `g${group}-${index - 1}`,
          newInput: [{ id: `g${group}-${index}-in`, json: JSON.stringify(text), tokenIds: null }],
          output: [{ id: `g${group}-${index}-out`, json: JSON.stringify(text), tokenIds: [group, index] }],
          json: '{}',
          rootDate: '2026-03-01',
          status: 'completed',
        },
        usageRow({ id: `g${group}-${index}` }),
      ),
    );
    await Promise.all(puts);
    console.log(group);
  }
}
