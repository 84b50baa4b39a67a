import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, it } from 'vitest';
import { banner } from '../../src/cli/banner.ts';

it.each(['key', "a key; don't $(echo run) this"])(
  'prints a curl line that sends the key of the file %s',
  async (name) => {
    const folder = mkdtempSync(join(tmpdir(), 'chorus-banner-'));
    const keyFile = join(folder, name);
    writeFileSync(keyFile, 'sk-right\n');
    const text = banner({
      version: '1.2.3',
      url: 'http://127.0.0.1:8000',
      model: 'gpt-oss-20b',
      summary: 'gpt-oss-20b on one card',
      simulated: false,
      key: { file: keyFile },
      stateDir: folder,
    });
    const line = /^ *curl (.*)$/m.exec(text)?.[1] ?? expect.fail(text);
    // The shell shows what curl would be given.
    const { stdout } = await execa('sh', ['-c', `printf '%s\\n' ${line}`]);
    expect(stdout.split('\n')).toContain('authorization: Bearer sk-right');
  },
);

it('asks which model is served where only engines elsewhere will tell', () => {
  const text = banner({
    version: '1.2.3',
    url: 'http://127.0.0.1:8000',
    model: null,
    summary: 'Engines elsewhere answer: r0 (gpu:8000).',
    simulated: false,
    key: 'named',
    stateDir: '/state',
  });
  expect(text).toContain('  curl http://127.0.0.1:8000/v1/models -H "authorization: Bearer $KEY"\n');
  expect(text).not.toContain('gpt-oss');
});
