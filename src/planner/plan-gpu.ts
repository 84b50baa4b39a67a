import type { Gpu, Inventory } from '../domain/gpu.ts';
import { MODEL_IDS, type ModelId } from '../domain/model.ts';
import type { Placement, Plan, Rejection } from '../domain/placement.ts';
import { formatCount } from '../domain/units.ts';
import { candidateFor, type Candidate } from './candidate.ts';
import { judgeCards, type Card } from './cards.ts';
import { byCards, contextsOf, type Seat } from './layout.ts';
import { emptyPlan, notServed, withCordonNote } from './not-served.ts';
import { explainSeats } from './reasons.ts';
import { rejectCandidate, rejectUnusedCards, tooManySentence } from './reject.ts';
import { relaxations } from './relax.ts';
import type { PlanRequest } from './request.ts';
import { selectGpus } from './select-gpus.ts';
import { countOf, joinWords, seatName } from './wording.ts';

const NO_GPU_RUNS_IT = 'no GPU of this server can run it';

/** Places the largest model of which (enough) replicas fit on the cards; everything left out gets its reason. */
export function planOnGpus(inventory: Inventory, wanted: PlanRequest): Plan {
  const selection = selectGpus(inventory.gpus, wanted.gpus);
  const areFewerEnough = wanted.areFewerEnough ?? selection.gpus.some(({ cordon }) => cordon !== undefined);
  const request = { ...wanted, areFewerEnough };
  const judged = judgeCards(selection.gpus);
  const [cards, rejections] = [judged.cards, [...judged.rejections, ...selection.rejections]];
  const [problem] = selection.problems;
  if (problem !== undefined) return emptyPlan(problem, NO_GPU_RUNS_IT);
  const candidates = candidateModels(request).map((model) => candidateFor(model, cards, request));
  const running = request.survivors?.[0]?.model;
  const chosen = candidates.find(({ model, seats }) => seats.length > 0 && (running ?? model) === model);
  const fault = inventory.findings.find(({ severity }) => severity === 'error')?.message ?? null;
  if (!chosen) return refuse(selection.gpus, request, { cards, rejections, candidates, fault });
  const larger = candidates.slice(0, candidates.indexOf(chosen));
  const passedOver = larger.flatMap((candidate) => whyNot(candidate, cards, request));
  return {
    model: chosen.model,
    placements: chosen.seats.toSorted(byCards).map((seat, position) => toPlacement(chosen.model, seat, position)),
    rejections: [...passedOver, ...rejections, ...rejectUnusedCards(chosen, cards, request)],
    summary: summaryOf(chosen),
    reasons: explainSeats(chosen, cards, request),
    notServed: notServed(chosen.model, (model) => {
      const reason = passedOver.find(({ subject }) => subject === model)?.reason;
      return withCordonNote(reason ?? `this server runs ${chosen.model}`, selection.gpus);
    }),
  };
}

/** Largest first. */
function candidateModels({ model, modelFolder }: PlanRequest): readonly ModelId[] {
  if (modelFolder) return [modelFolder.model];
  return model === 'auto' ? MODEL_IDS.toReversed() : [model];
}

function toPlacement(model: ModelId, { cards, profile, memory }: Seat, position: number): Placement {
  const gpus = cards.map(({ gpu: { index, uuid, name, migSlice } }) => ({
    index,
    uuid,
    name: seatName({ name, migSlice }),
    ...(migSlice === undefined ? {} : { isMigSlice: true as const }),
  }));
  return {
    engineId: `e${position}`,
    kind: 'gpu',
    model,
    gpus: gpus.sort((a, b) => a.index - b.index),
    profile,
    memory,
  };
}

function summaryOf({ model, seats }: Candidate): string {
  const sizes = [...new Set(seats.map(({ cards }) => cards.length))].sort((a, b) => a - b);
  const where = sizes.length === 1 ? countOf(sizes[0] ?? 0, 'GPU') : `${joinWords(sizes.map(String), 'or')} GPUs`;
  const each = seats.length === 1 ? '' : ' each';
  return `${countOf(seats.length, 'replica')} of ${model} on ${where}${each}, context ${contextsOf(seats)} tokens.`;
}

interface Attempt {
  readonly cards: readonly Card[];
  readonly rejections: readonly Rejection[];
  readonly candidates: readonly Candidate[];
  /** What is wrong with the machine, when something is. */
  readonly fault: string | null;
}

function refuse(gpus: readonly Gpu[], request: PlanRequest, attempt: Attempt): Plan {
  const { cards, rejections, candidates } = attempt;
  const [smallest, ...larger] = candidates.toReversed();
  return emptyPlan(refusalSummary(gpus, request, attempt), withCordonNote(NO_GPU_RUNS_IT, gpus), [
    ...rejections,
    ...(smallest ? rejectSmallest(smallest, cards, request) : []),
    ...larger.flatMap((candidate) => whyNot(candidate, cards, request)),
  ]);
}

/** What would have to change first: card by card, unless only the number of replicas is at fault. */
function rejectSmallest(smallest: Candidate, cards: readonly Card[], request: PlanRequest): readonly Rejection[] {
  const changes = relaxations(smallest.model, cards, request);
  if (smallest.maxReplicas > 0 || changes.length > 0) return whyNot(smallest, cards, request);
  return rejectUnusedCards(smallest, cards, request);
}

/** A setting whose change would do is the smallest remedy, before any other card. */
function whyNot(candidate: Candidate, cards: readonly Card[], request: PlanRequest): readonly Rejection[] {
  const changes = candidate.maxReplicas > 0 ? [] : relaxations(candidate.model, cards, request);
  return changes.length > 0 ? changes : rejectCandidate(candidate, cards, request);
}

function refusalSummary(gpus: readonly Gpu[], request: PlanRequest, { cards, candidates, fault }: Attempt): string {
  const { replicas } = request;
  if (gpus.length === 0) return `Nothing to run on: ${fault ?? 'no NVIDIA GPU was found.'}`;
  if (cards.length === 0) {
    const count = gpus.length;
    const unusable = `vLLM cannot use ${count === 1 ? 'the GPU' : `any of the ${count} GPUs`} here`;
    return `Nothing to run on: ${withCordonNote(unusable, gpus)}.`;
  }
  if (replicas !== 'auto' && candidates.some(({ maxReplicas }) => maxReplicas > 0)) {
    return tooManySentence(candidates, replicas);
  }
  const models = candidates.map(({ model }) => model).toReversed();
  const wishes = [
    ...(request.contextTokens === null ? [] : [`a context of ${formatCount(request.contextTokens)} tokens`]),
    ...(request.tensorParallel === null ? [] : [countOf(request.tensorParallel, 'card') + ' a replica']),
    ...(request.gpuMemoryUtilization === null ? [] : [`${request.gpuMemoryUtilization} of each card`]),
  ];
  if (wishes.length > 0) return `Nothing fits: ${joinWords(models, 'or')} with ${joinWords(wishes)} does not fit here.`;
  return `Nothing fits: no GPU here has the free memory for ${joinWords(models, 'or')}.`;
}
