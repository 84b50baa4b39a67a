import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

/** What the tests of one file did. */
export interface FileResult {
  /** From the root of the tree. */
  readonly file: string;
  readonly passed: number;
  readonly failed: number;
  /** What went wrong, a text for each failed test, or for a file that could not be run at all. */
  readonly messages: readonly string[];
}

/** The part of vitest's JSON report that is used. */
interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

/** Runs these test files of the tree at `root`; what vitest prints is not shown. Throws when vitest leaves no report. */
export async function runTests(root: string, files: readonly string[]): Promise<FileResult[]> {
  const folder = mkdtempSync(join(tmpdir(), 'chorus-report-'));
  const report = join(folder, 'report.json');
  const args = ['run', '--config', 'test/vitest.config.ts', '--project', 'fast'];
  const output = ['--reporter=json', `--outputFile=${report}`];
  try {
    const vitest = join(root, 'node_modules/vitest/vitest.mjs');
    const child = spawn(process.execPath, [vitest, ...args, ...output, ...files], { cwd: root, stdio: 'ignore' });
    await once(child, 'exit');
    const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as Report;
    return testResults.map((result) => readResult(root, result));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readResult(root: string, { name, message, assertionResults }: Report['testResults'][number]): FileResult {
  const failed = assertionResults.filter(({ status }) => status === 'failed');
  const messages = failed.map((test) => `${test.fullName}\n${test.failureMessages.join('\n')}`);
  return {
    file: relative(root, name),
    passed: assertionResults.filter(({ status }) => status === 'passed').length,
    failed: failed.length,
    messages: assertionResults.length === 0 ? [`${name}: ${message}`] : messages,
  };
}
