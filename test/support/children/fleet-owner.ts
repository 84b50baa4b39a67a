/**
 * A Chorus reduced to its engines: `fleet-owner.ts STATE_DIR HOW [ENGINE-FLAG…]` starts two simulated engines, prints the pids of
 * their leaders as JSON once they serve, and then waits (`wait`), or ends by an exception that nobody catches (`throw`).
 */
import { fileURLToPath } from 'node:url';
import { Fleet } from '../../../src/engine/fleet.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { vocabularyDirectory } from '../../../src/system/vocabulary.ts';
import { RecordingRotation, silentLogger, simulatedPlacements } from '../engine-bench.ts';

const [stateDir = '', how, ...engineArguments] = process.argv.slice(2);
const fleet = new Fleet({
  adapt: () => null,
  placements: simulatedPlacements(2),
  stateDir,
  launch: {
    python: null,
    modelPath: null,
    engineArguments,
    vocabularyDirectory,
    nodePath: process.execPath,
    simulatorPath: fileURLToPath(new URL('misbehaving-engine.ts', import.meta.url)),
    environment: process.env,
  },
  rotation: new RecordingRotation(),
  clock: systemClock,
  logger: silentLogger,
  random: Math.random,
});
await fleet.start();
console.log(JSON.stringify(fleet.status().map(({ pid }) => pid)));
if (how === 'throw') {
  setImmediate(() => {
    throw new Error('nobody catches this');
  });
}
