// Adds up what the two test runs reported and prints the closing line of CI. Arguments: their exit codes.
import { existsSync, readFileSync } from 'node:fs';

const runs = ['fast', 'vllm'].map((name, index) => ({ name, exitCode: Number(process.argv[2 + index]) }));
let passed = 0;
let failed = 0;
for (const { name, exitCode } of runs) {
  const file = new URL(`../.cache/reports/${name}.json`, import.meta.url);
  const report = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { numPassedTests: 0, numFailedTests: 0 };
  passed += report.numPassedTests;
  failed += report.numFailedTests;
  // A failing check, a file that does not load or a missing Python fails the run without failing a test.
  if (exitCode !== 0 && report.numFailedTests === 0) {
    console.log(`${name}: ended with exit code ${exitCode} without a failed test`);
    failed += 1;
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
