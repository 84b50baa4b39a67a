// Names what failed in the two test runs, adds up their reports and prints the closing line of CI. Arguments: their exit codes.
import { existsSync, readFileSync } from 'node:fs';

const runs = ['fast', 'vllm'].map((name, index) => ({ name, exitCode: Number(process.argv[2 + index]) }));
let passed = 0;
let failed = 0;
for (const { name, exitCode } of runs) {
  const file = new URL(`../.cache/reports/${name}.json`, import.meta.url);
  const report = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { numPassedTests: 0, numFailedTests: 0 };
  passed += report.numPassedTests;
  failed += report.numFailedTests;
  for (const failure of failuresOf(report)) console.log(`${name}: ${failure}`);
  // A failing check, a file that does not load or a missing Python fails the run without failing a test.
  if (exitCode !== 0 && report.numFailedTests === 0) {
    console.log(`${name}: ended with exit code ${exitCode} without a failed test`);
    failed += 1;
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;

/** Every failed test, with the first line of what it says. */
function failuresOf({ testResults = [] }) {
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
  return tests
    .filter(({ status }) => status === 'failed')
    .map(({ fullName, failureMessages: [message = ''] }) => `failed: ${fullName}: ${message.split('\n', 1)[0]}`);
}
