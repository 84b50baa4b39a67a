import { shellWord } from '../domain/shell-word.ts';
import { formatBytes, formatCount, formatTimeLeft } from '../domain/units.ts';
import type { EnvironmentPlan, ModelPlan, SetupPlan, SetupProgress } from './setup-plan.ts';

/** The plan for people: what is used, what is installed and downloaded, every command, the bytes, the paths and why. */
export function explainSetup(plan: SetupPlan): string {
  const { environment, model, notices, wish } = plan;
  return [
    ...(environment === null ? ['vLLM: cannot be installed'] : environmentLines(environment)),
    ...modelLines(model, wish.model),
    ...diskLines(plan),
    ...notices.map((notice) => `Note: ${notice}`),
  ].join('\n');
}

/** In one sentence, what setup would install and download; null when nothing is to be done. */
export function summariseSetup({ environment, model }: SetupPlan): string | null {
  const parts = [
    ...(environment?.kind === 'install'
      ? [`install vLLM ${environment.version} (about ${formatBytes(environment.estimatedBytes)})`]
      : []),
    ...(model.kind === 'download' ? [`download ${model.repository} (${formatBytes(model.missingBytes)})`] : []),
  ];
  return parts.length === 0 ? null : parts.join(' and ');
}

/** One line: `download 41 %, 5.2 GiB of 12.8 GiB, 98 MiB/s, 1 min 20 s left: downloading openai/gpt-oss-20b`. */
export function describeSetupProgress(progress: SetupProgress): string {
  const { step, sentence, fraction, doneBytes, totalBytes, bytesPerSecond, leftMs } = progress;
  const figures = [
    ...(fraction === null ? [] : [`${Math.floor(fraction * 100)} %`]),
    ...(totalBytes === null ? [] : [`${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}`]),
    ...(bytesPerSecond === null ? [] : [`${formatBytes(bytesPerSecond)}/s`]),
    ...(leftMs === null || fraction === 1 ? [] : [`${formatTimeLeft(leftMs)} left`]),
  ];
  return figures.length === 0 ? sentence : `${step} ${figures.join(', ')}: ${sentence}`;
}

function environmentLines(environment: EnvironmentPlan): string[] {
  if (environment.kind === 'existing') {
    return [`vLLM ${environment.version}: ${environment.python} is used. ${environment.reason}`];
  }
  const { version, folder, commands, estimatedBytes, reason } = environment;
  return [
    `vLLM ${version}: is installed into ${folder}, about ${formatBytes(estimatedBytes)}. ${reason}`,
    ...commands.map((command) => `  $ ${command.map(shellWord).join(' ')}`),
  ];
}

function modelLines(model: ModelPlan, name: string): string[] {
  if (model.kind === 'existing') return [`${name}: ${model.path} is used. ${model.reason}`];
  const { repository, endpoint, folder, listing, totalBytes, missingBytes, reason } = model;
  const source = `${endpoint}/${repository}`;
  if (listing === null) {
    return [`${name}: about ${formatBytes(missingBytes)} are downloaded from ${source} to ${folder}. ${reason}`];
  }
  const present = missingBytes === totalBytes ? '' : ` (${formatCount(totalBytes)} with what is here)`;
  return [
    `${name}: ${formatCount(missingBytes)} bytes${present} are downloaded from ${source} to ${folder}/${listing.revision}. ${reason}`,
    ...listing.files.map(({ path, sizeBytes }) => `  ${path}  ${formatCount(sizeBytes)} bytes`),
  ];
}

function diskLines(plan: SetupPlan): string[] {
  const { requiredBytes, freeBytes, wish } = plan;
  if (summariseSetup(plan) === null) return ['Nothing is to be done.'];
  const free = freeBytes === null ? 'how much is free is not known' : `${formatBytes(freeBytes)} are free`;
  return [`Disk: ${formatBytes(requiredBytes)} are needed at ${wish.stateDir}, a margin included; ${free}.`];
}
