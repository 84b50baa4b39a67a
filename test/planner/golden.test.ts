import { expect, it } from 'vitest';
import { explainPlan } from '../../src/planner/explain-plan.ts';
import { planPlacement } from '../../src/planner/plan-placement.ts';
import { AUTO, inventoryFixture } from './machines.ts';

const MACHINES = [
  'no-gpu',
  't4',
  'rtx-4090',
  'two-l40s',
  'a100-80',
  'one-h100',
  'eight-h100',
  'h200',
  'four-rtx-4090',
  'rtx-4080-display',
  'a100-40',
  'two-h100',
  'b200',
  'gb10',
  'mixed',
  'mig-slice',
  'mig-whole',
  'busy-h100',
  'broken-l40s',
  'broken-driver',
  'all-refused',
];

it.for(MACHINES)('plans %s as reviewed, and explains it', async (name) => {
  const inventory = inventoryFixture(name);
  const plan = planPlacement(inventory, AUTO);
  await expect(`${JSON.stringify(plan, null, 2)}\n`).toMatchFileSnapshot(`../fixtures/plans/${name}.json`);
  await expect(`${explainPlan(inventory, plan)}\n`).toMatchFileSnapshot(`../fixtures/plans/${name}.txt`);
});

it('plans a machine without GPUs for the CPU, where its instruction set allows', async () => {
  const inventory = inventoryFixture('cpu-only');
  const plan = planPlacement(inventory, { ...AUTO, engine: 'cpu' });
  await expect(`${JSON.stringify(plan, null, 2)}\n`).toMatchFileSnapshot('../fixtures/plans/cpu-only.json');
  await expect(`${explainPlan(inventory, plan)}\n`).toMatchFileSnapshot('../fixtures/plans/cpu-only.txt');
});
