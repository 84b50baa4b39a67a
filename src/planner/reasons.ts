import type { Gpu } from '../domain/gpu.ts';
import { formatBytes, formatCount } from '../domain/units.ts';
import type { EngineProfile } from '../domain/placement.ts';
import { candidateFor, type Candidate } from './candidate.ts';
import type { Card } from './cards.ts';
import { TYPICAL_REQUEST_TOKENS } from './estimate.ts';
import { fitOnCards } from './fit.ts';
import { contextsOf, isRoomy, type Seat } from './layout.ts';
import { weakestLink } from './links.ts';
import type { PlanRequest } from './request.ts';
import { countOf, gpuList, joinWords, otherProcesses, roughly } from './wording.ts';

/** CUDA 13, which the published wheels of vLLM are built for, begins with this driver. */
const MIN_DRIVER_MAJOR = 580;
/** From this many cards on the links between them decide the speed. */
const LINK_BOUND_SIZE = 4;

/** Why these seats and not others: the choice of the model first, then each kind of seat, then cautions. */
export function explainSeats(chosen: Candidate, cards: readonly Card[], request: PlanRequest): readonly string[] {
  const kinds = Map.groupBy(chosen.seats, (seat) => `${seat.cards.length} ${seat.profile.name}`);
  const examples = [...kinds.values()].flatMap(([seat]) => seat ?? []);
  return [
    whyThisModel(chosen, request),
    ...examples.flatMap((seat) => [whyThisSeat(chosen, seat), ...whatGivesMore(chosen, seat)]),
    ...smallerModelInstead(chosen, cards, request),
    ...denserThanPreferred(chosen),
    ...sharedCards(chosen.seats),
    ...cautions(chosen.seats),
  ];
}

function whyThisModel({ model }: Candidate, { modelFolder, model: wanted }: PlanRequest): string {
  if (modelFolder) {
    const form = modelFolder.quantised ? 'MXFP4' : 'not quantised';
    return `The given folder holds a ${model} of ${formatBytes(modelFolder.diskBytes)} (${form}).`;
  }
  if (wanted !== 'auto') return `${model} was asked for.`;
  if (model === 'gpt-oss-120b') return `${model} is the stronger model, and it fits.`;
  return `${model} is the largest model that fits.`;
}

function whyThisSeat(chosen: Candidate, seat: Seat): string {
  if (chosen.remembered.some(({ profile }) => profile === seat.profile)) return whyAsBefore(seat);
  if (seat.cards.length > 1) return whySplit(chosen, seat);
  return seat.profile.name === 'standard' ? whyAlone(chosen, seat) : whyTight(seat);
}

function whyAsBefore({ cards, profile }: Seat): string {
  const share = Math.round((profile.gpuMemoryUtilization ?? 0) * 100);
  return (
    `An earlier start on ${cards.length === 1 ? 'such a card' : 'such cards'} worked with a context of ` +
    `${formatCount(profile.maxModelLen)} tokens and ${share} % of the memory, after what the estimate allows had ` +
    `failed: the same is used again.`
  );
}

function whyAlone({ footprint, seats, contextTokens }: Candidate, { profile }: Seat): string {
  const context = formatCount(profile.maxModelLen);
  if (contextTokens !== null)
    return `One card holds a replica with the context of ${context} tokens that was asked for.`;
  if (profile.maxModelLen < footprint.maxContextTokens) {
    return `One card holds a replica, but its KV cache only a context of ${context} tokens.`;
  }
  const others = ', so each card has one of its own: nothing travels between cards, and they fail one by one';
  return `One card holds a replica with its full context of ${context} tokens${seats.length > 1 ? others : ''}.`;
}

function whyTight({ cards, memory, profile }: Seat): string {
  const measures = [
    `${Math.round((profile.gpuMemoryUtilization ?? 0) * 100)} %`,
    `batches of ${formatCount(profile.maxNumBatchedTokens ?? 0)} tokens`,
    ...(profile.enforceEager ? ['no CUDA graphs (which costs speed)'] : []),
  ];
  return (
    `It is tight: beside ${formatBytes(memory.weightBytes)} of weights and about ${formatBytes(memory.runtimeBytes)} for ` +
    `vLLM itself (activations, CUDA context${profile.enforceEager ? '' : ', CUDA graphs'}), vLLM's default share of a ` +
    `card of ${formatBytes(cards[0]?.totalBytes ?? 0)} (92 %) leaves too little for the KV cache. With ` +
    `${joinWords(measures)}, ${formatBytes(memory.kvCacheBytes)} are left: a context of ` +
    `${formatCount(profile.maxModelLen)} tokens.`
  );
}

function whySplit(chosen: Candidate, { cards, memory, profile }: Seat): string {
  const { footprint } = chosen;
  const total = cards[0]?.totalBytes ?? 0;
  const alone = cards[0] ? fitOnCards(chosen, cards[0], 1) : null;
  const weights = `weights of ${formatBytes(footprint.weightBytes)}`;
  const why = alone
    ? `One card each would do, but the ${weights} leave it a context of ${formatCount(alone.profile.maxModelLen)} tokens ` +
      `and a KV cache for about ${roughly(alone.memory.kvCacheTokens)}.`
    : `The ${weights} ${footprint.weightBytes > total ? 'do not fit on' : 'leave too little of'} one card of ${formatBytes(total)}.`;
  return (
    `${why} Split over ${cards.length} cards (tensor parallel), each holds ${formatBytes(memory.weightBytes)} of the ` +
    `weights and keeps ${formatBytes(memory.kvCacheBytes)} for the KV cache.${howTight(profile, chosen)}`
  );
}

/** What is given up for a context at all, where vLLM's default settings leave none. */
function howTight(profile: EngineProfile, { contextTokens }: Candidate): string {
  const { name, maxModelLen, gpuMemoryUtilization = 0, maxNumBatchedTokens = 0 } = profile;
  if (name === 'standard') return '';
  const otherwise =
    contextTokens === null ? ' If vLLM finds less when it starts, it is tried once more with a shorter one.' : '';
  return (
    ` That is tight: with ${Math.round(gpuMemoryUtilization * 100)} % of each card and batches of ` +
    `${formatCount(maxNumBatchedTokens)} tokens there is room for a context of ${formatCount(maxModelLen)} tokens.${otherwise}`
  );
}

/** What joining more such cards would change, where the context is cut short. */
function whatGivesMore(chosen: Candidate, { cards, profile }: Seat): string[] {
  const [card] = cards;
  if (card === undefined || chosen.contextTokens !== null) return [];
  if (profile.maxModelLen >= chosen.footprint.maxContextTokens) return [];
  for (const size of chosen.sizes.filter((size) => size > cards.length)) {
    const fit = fitOnCards(chosen, card, size);
    if (fit && fit.profile.maxModelLen > profile.maxModelLen) {
      return [
        `${countOf(size - cards.length, 'more such card')} would let a replica span ${size}, with a context of ` +
          `${formatCount(fit.profile.maxModelLen)} tokens and a KV cache for about ` +
          `${roughly(fit.memory.kvCacheTokens)} tokens.`,
      ];
    }
  }
  return [];
}

/** The price of the larger model where it is cramped: what the smaller one would give on the same cards. */
function smallerModelInstead(chosen: Candidate, cards: readonly Card[], request: PlanRequest): string[] {
  const isCramped = chosen.seats.some((seat) => !isRoomy(seat, chosen.footprint));
  if (request.modelFolder || chosen.model !== 'gpt-oss-120b' || !isCramped) return [];
  const smaller = candidateFor('gpt-oss-20b', cards, { ...request, replicas: 'auto' });
  if (smaller.seats.length === 0) return [];
  return [
    `${smaller.model} instead would give ${countOf(smaller.seats.length, 'replica')} with a context of ` +
      `${contextsOf(smaller.seats)} tokens and a KV cache for about ` +
      `${roughly(sumOf(smaller.seats, 'kvCacheTokens'))} tokens: some ` +
      `${roughly(sumOf(smaller.seats, 'concurrentRequests'))} requests of ${formatCount(TYPICAL_REQUEST_TOKENS)} tokens ` +
      `at a time, not ${roughly(sumOf(chosen.seats, 'concurrentRequests'))}. For many users or long inputs that is the ` +
      `better choice: --model ${smaller.model}.`,
  ];
}

const sumOf = (seats: readonly Seat[], key: 'kvCacheTokens' | 'concurrentRequests'): number =>
  seats.reduce((sum, { memory }) => sum + memory[key], 0);

function denserThanPreferred({ seats, preferredSeats }: Candidate): string[] {
  const [preferred] = preferredSeats;
  if (preferred === undefined || seats.length <= preferredSeats.length) return [];
  return [
    `So many replicas fit only with fewer cards each; without --replicas it would be ` +
      `${countOf(preferredSeats.length, 'replica')} on ${countOf(preferred.cards.length, 'card')} each, with a context ` +
      `of ${formatCount(preferred.profile.maxModelLen)} tokens.`,
  ];
}

function sharedCards(seats: readonly Seat[]): string[] {
  return seats.flatMap(({ cards, profile }) =>
    cards
      .filter(({ isShared }) => isShared)
      .map(({ gpu, totalBytes, freeBytes }) => {
        const user = gpu.displayActive ? 'a display and other processes' : otherProcesses(gpu);
        return (
          `GPU ${gpu.index} is shared: ${user} hold ${formatBytes(totalBytes - freeBytes)}. vLLM gets ` +
          `${Math.round((profile.gpuMemoryUtilization ?? 0) * 100)} % of it, and fails to start if less is free by then.`
        );
      }),
  );
}

function cautions(seats: readonly Seat[]): string[] {
  const gpus = seats.flatMap(({ cards }) => cards.map(({ gpu }) => gpu));
  const old = gpus.filter(({ driverVersion }) => Number.parseInt(driverVersion ?? '', 10) < MIN_DRIVER_MAJOR);
  const driver = old[0]?.driverVersion;
  const unified = seats.some(({ cards }) => cards.some(({ gpu }) => gpu.unifiedMemory));
  return [
    ...(driver
      ? [
          `Driver ${driver} is older than ${MIN_DRIVER_MAJOR}, which vLLM's published wheels (CUDA 13) need: update it, ` +
            `or install a CUDA 12 build of vLLM.`,
        ]
      : []),
    ...(unified
      ? [
          'The card takes its memory from the host, where vLLM counts cached files as used: if it says that too little ' +
            'is free, drop the cache (echo 3 | sudo tee /proc/sys/vm/drop_caches).',
        ]
      : []),
    ...slowLinks(seats),
  ];
}

/** The slowest of the seats; where links are not known, from the size on at which they decide. */
function slowLinks(seats: readonly Seat[]): string[] {
  const gpusOf = ({ cards }: Seat): Gpu[] => cards.map(({ gpu }) => gpu);
  const split = seats.filter(({ cards }) => cards.length > 1).map(gpusOf);
  const slow = split.find((gpus) => weakestLink(gpus)?.isNvlink === false);
  if (slow) {
    return [
      `${gpuList(slow)} exchange data at every token, over ${weakestLink(slow)?.words ?? 'PCIe'} and not NVLink: expect ` +
        `lower speed.`,
    ];
  }
  const unknown = split.find((gpus) => gpus.length >= LINK_BOUND_SIZE && weakestLink(gpus) === null);
  if (unknown === undefined) return [];
  return [`${gpuList(unknown)} exchange data at every token: with NVLink that is fast, over PCIe expect lower speed.`];
}
