import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { validate, ValidationSeverity } from 'dockerfile-utils';
import { describe, expect, it } from 'vitest';
import { imageSettings, readStages } from '../../scripts/image/dockerfile.ts';
import { replayScript } from '../../scripts/image/replay-script.ts';
import { loadConfig } from '../../src/config/load-config.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const read = (file: string): string => readFileSync(`${ROOT}${file}`, 'utf8');
const DOCKERFILE = read('Dockerfile.gpu');
const packageJson = JSON.parse(read('package.json')) as {
  version: string;
  devDependencies: { node: string };
};

/** A linter's complaints, each with its line. */
function complaints(dockerfile: string): string[] {
  const all = validate(dockerfile, {
    deprecatedMaintainer: ValidationSeverity.ERROR,
    directiveCasing: ValidationSeverity.ERROR,
    emptyContinuationLine: ValidationSeverity.ERROR,
    instructionCasing: ValidationSeverity.ERROR,
    instructionCmdMultiple: ValidationSeverity.ERROR,
    instructionEntrypointMultiple: ValidationSeverity.ERROR,
    instructionHealthcheckMultiple: ValidationSeverity.ERROR,
    instructionJSONInSingleQuotes: ValidationSeverity.ERROR,
    instructionWorkdirRelative: ValidationSeverity.ERROR,
  });
  return all.map(({ range, message }) => `${range.start.line + 1}: ${JSON.stringify(message)}`);
}

describe('Dockerfile.gpu', () => {
  const stages = readStages(DOCKERFILE);
  const image = imageSettings(stages.at(-1) ?? expect.fail('no stage'));

  it('gives a linter nothing to say', () => {
    expect(complaints(DOCKERFILE)).toEqual([]);
    expect(complaints(`${DOCKERFILE}\nENTRYPOINT ["sh"]\nUSR root\n`)).toHaveLength(2);
  });

  it('builds on pinned images, with the Node.js that the tests run on', () => {
    const [build, final] = stages.map(({ base }) => base);
    expect(build).toBe(`node:${packageJson.devDependencies.node}-bookworm-slim`);
    expect(final).toMatch(/^vllm\/vllm-openai:v\d+\.\d+\.\d+$/);
  });

  it('runs without privileges under tini, says whether it is ready, and names its version', () => {
    expect(image).toMatchObject({
      user: '2000:2000',
      entrypoint: ['tini', '--', 'node', expect.any(String), '/opt/chorus/dist/cli/main.js'],
      command: ['serve'],
      volumes: ['/var/lib/chorus', '/cache'],
      stopSignal: 'SIGTERM',
    });
    expect(image.healthCheck.join(' ')).toContain('/readyz');
    expect(image.labels).toContain(`org.opencontainers.image.version=${packageJson.version}`);
    expect(image.environment).toEqual(expect.arrayContaining(['USER=chorus', 'HOME=/cache']));
  });

  it('serves to its network from its volume, and asks nobody', async () => {
    const { options, warnings } = await loadConfig({ config: `${ROOT}configs/container.yaml` }, {});
    expect(warnings).toEqual([]);
    expect(options).toMatchObject({ host: '0.0.0.0', port: 8000, stateDir: image.volumes[0], yes: true });
  });

  it('is replayed step by step, as written', () => {
    const context = [...read('.dockerignore').matchAll(/^!(.+)$/gm)].map(([, entry = '']) => entry);
    const script = replayScript(stages, { root: '/repository', context, nodeFile: '/node' });
    const runs = stages.flatMap(({ instructions }) => instructions.filter(({ keyword }) => keyword === 'RUN'));
    expect(runs).toHaveLength(4);
    for (const { text } of runs) expect(script).toContain(text);
    for (const entry of context) expect(script).toContain(`copy /repository "$work/context/${entry}" ${entry}`);
  });
});
