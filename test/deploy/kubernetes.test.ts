import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Deployment, type IDeployment } from 'kubernetes-models/apps/v1/Deployment';
import { PersistentVolumeClaim } from 'kubernetes-models/v1/PersistentVolumeClaim';
import { Service } from 'kubernetes-models/v1/Service';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { imageSettings, readStages } from '../../scripts/image/dockerfile.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { DEFAULT_POLICY } from '../../src/engine/policy.ts';
import { missingPrograms } from '../support/programs.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const read = (file: string): unknown => parse(readFileSync(`${ROOT}configs/kubernetes/${file}`, 'utf8'));
const readDeployment = (): IDeployment => read('deployment.yaml') as IDeployment;

/** Every manifest with the schema that judges it, and its type. */
const MANIFESTS = [
  { file: 'deployment.yaml', Model: Deployment, type: 'apps/v1/Deployment' },
  { file: 'service.yaml', Model: Service, type: 'v1/Service' },
  { file: 'volume.yaml', Model: PersistentVolumeClaim, type: 'v1/PersistentVolumeClaim' },
];

/** Why the schema of Kubernetes refuses a manifest: wrong types and missing keys; null: it does not. */
function schemaProblem(model: { validate(): void }): string | null {
  try {
    model.validate();
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

/** What the compiler says of a manifest as a literal of its type: keys that Kubernetes does not know. */
function unknownKeys(manifests: readonly { type: string; manifest: unknown }[]): string[] {
  mkdirSync(`${ROOT}.cache`, { recursive: true });
  const folder = mkdtempSync(`${ROOT}.cache/manifests-`);
  try {
    const lines = manifests.map(({ type, manifest }, at) => {
      const name = `I${type.split('/').at(-1) ?? ''}`;
      return `import type { ${name} as T${at} } from 'kubernetes-models/${type}';\nexport const m${at}: T${at} = ${JSON.stringify(manifest)};`;
    });
    writeFileSync(`${folder}/manifests.ts`, lines.join('\n'));
    const options = ['--ignoreConfig', '--noEmit', '--skipLibCheck', '--strict', '--module', 'nodenext', '--types', ''];
    const { stdout } = spawnSync(`${ROOT}node_modules/.bin/tsc`, [...options, `${folder}/manifests.ts`], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    return stdout.split('\n').filter((line) => line.includes('error'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('the manifests', () => {
  it.each(MANIFESTS)('$file has the schema of Kubernetes', ({ file, Model }) => {
    expect(schemaProblem(new Model(read(file) as never))).toBeNull();
  });

  it('have no key that Kubernetes does not know', () => {
    expect(unknownKeys(MANIFESTS.map(({ file, type }) => ({ type, manifest: read(file) })))).toEqual([]);
  });

  it('would be caught with a wrong type or a wrong key', () => {
    const text = readFileSync(`${ROOT}configs/kubernetes/deployment.yaml`, 'utf8');
    const wrongType = parse(text.replace(/failureThreshold: \d+/, "failureThreshold: '60'")) as IDeployment;
    expect(schemaProblem(new Deployment(wrongType))).toContain('startupProbe/failureThreshold must be integer');
    const manifest: unknown = parse(text.replace('startupProbe:', 'startupProb:'));
    expect(unknownKeys([{ type: 'apps/v1/Deployment', manifest }])).toEqual([
      expect.stringContaining(`'"startupProb"' does not exist in type 'IContainer'`),
    ]);
  });

  it('are put together by kustomize, with a configuration whose change rolls the pod', (test) => {
    const missing = missingPrograms(['kubectl', 'version', '--client']);
    if (missing) test.skip(missing);
    const { stdout, stderr } = spawnSync('kubectl', ['kustomize', `${ROOT}configs/kubernetes`], { encoding: 'utf8' });
    expect(stderr).toBe('');
    const documents = stdout.split(/^---$/m).map((text) => parse(text) as { kind: string; metadata: { name: string } });
    expect(documents.map(({ kind }) => kind).toSorted()).toEqual([
      'ConfigMap',
      'Deployment',
      'PersistentVolumeClaim',
      'Service',
    ]);
    const name = documents.find(({ kind }) => kind === 'ConfigMap')?.metadata.name;
    expect(name).toMatch(/^chorus-config-\w+$/);
    expect(stdout).toContain(`name: ${name}\n        name: config`);
  });
});

describe('the pod', () => {
  const pod = readDeployment().spec?.template.spec ?? expect.fail('no pod');
  const container = pod.containers[0] ?? expect.fail('no container');
  const config = () => loadConfig({ config: `${ROOT}configs/kubernetes/config.yaml` }, {});
  const image = imageSettings(readStages(readFileSync(`${ROOT}Dockerfile.gpu`, 'utf8')).at(-1) ?? expect.fail());

  it('has time for what a stop takes, all of it from drain_seconds', async () => {
    const { options, warnings } = await config();
    expect(warnings).toEqual([]);
    const [program, seconds] = container.lifecycle?.preStop?.exec?.command ?? [];
    expect(program).toBe('sleep');
    const engineStopSeconds = (DEFAULT_POLICY.termGraceMs + DEFAULT_POLICY.killGraceMs) / 1000;
    const marginSeconds = 10;
    const stopSeconds = Number(seconds) + options.drainMs / 1000 + engineStopSeconds + marginSeconds;
    expect(pod.terminationGracePeriodSeconds).toBe(stopSeconds);
    const text = readFileSync(`${ROOT}configs/kubernetes/deployment.yaml`, 'utf8');
    const sum = `preStop ${seconds} + drain_seconds ${options.drainMs / 1000} + engines ${engineStopSeconds} + margin ${marginSeconds}`;
    expect(text).toContain(`# ${sum}.`);
  });

  it('asks the probes of Chorus on its port', async () => {
    const { options } = await config();
    expect(container.ports).toEqual([{ name: 'http', containerPort: options.port }]);
    const { startupProbe, livenessProbe, readinessProbe } = container;
    expect([startupProbe, livenessProbe, readinessProbe].map((probe) => probe?.httpGet)).toEqual([
      { path: '/startupz', port: 'http' },
      { path: '/livez', port: 'http' },
      { path: '/readyz', port: 'http' },
    ]);
    // A saturated machine answers late: the second that is the default takes working pods out.
    for (const probe of [startupProbe, livenessProbe, readinessProbe]) expect(probe?.timeoutSeconds).toBe(5);
    // Installing, downloading and loading gpt-oss-120b are within the hour.
    expect((startupProbe?.periodSeconds ?? 0) * (startupProbe?.failureThreshold ?? 0)).toBe(3600);
  });

  it('has no more rights than it needs, and runs as the user of the image', () => {
    expect(pod).toMatchObject({
      enableServiceLinks: false,
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    });
    const { runAsUser, runAsGroup, fsGroup } = pod.securityContext ?? {};
    expect([`${runAsUser}:${runAsGroup}`, fsGroup]).toEqual([image.user, runAsGroup]);
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
  });

  it('can write where Chorus and vLLM do, and finds what it is told to read', async () => {
    const { options } = await config();
    const volumes = new Map(pod.volumes?.map(({ name, ...source }) => [name, source]));
    const mounts = container.volumeMounts ?? [];
    const at = (path: string) => {
      const mount = mounts.find(({ mountPath }) => mountPath === path);
      return { readOnly: mount?.readOnly ?? false, ...volumes.get(mount?.name ?? '') };
    };
    const claim = { readOnly: false, persistentVolumeClaim: { claimName: 'chorus' } };
    for (const path of [options.stateDir, ...image.volumes]) expect(at(path)).toEqual(claim);
    expect(at('/tmp')).toMatchObject({ readOnly: false, emptyDir: {} });
    expect(at('/dev/shm')).toMatchObject({ readOnly: false, emptyDir: { medium: 'Memory' } });
    expect(at('/etc/chorus')).toEqual({ readOnly: true, configMap: { name: 'chorus-config' } });
    expect([options.apiKeyFile, options.adminKeyFile]).toEqual([
      '/etc/chorus-keys/api-key',
      '/etc/chorus-keys/admin-key',
    ]);
    const howTo = readFileSync(`${ROOT}configs/kubernetes/kustomization.yaml`, 'utf8');
    for (const key of ['api-key', 'admin-key']) expect(howTo).toContain(`--from-literal=${key}=`);
    expect(at('/etc/chorus-keys')).toMatchObject({ readOnly: true, secret: { secretName: 'chorus-keys' } });
  });

  it('is one, has its GPUs to itself, and asks nobody', async () => {
    const { options } = await config();
    expect(readDeployment().spec).toMatchObject({ replicas: 1, strategy: { type: 'Recreate' } });
    expect(container.resources?.limits).toMatchObject({ 'nvidia.com/gpu': 1 });
    expect(options).toMatchObject({ engine: 'gpu', host: '0.0.0.0', yes: true });
  });
});
