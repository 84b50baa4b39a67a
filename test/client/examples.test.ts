import { it } from 'vitest';
import { expectExamples, IN_JAVASCRIPT } from '../support/examples.ts';

it('runs every example in JavaScript and prints what it answered', { timeout: 240_000 }, async () => {
  await expectExamples(IN_JAVASCRIPT, ['--only', 'javascript']);
});
