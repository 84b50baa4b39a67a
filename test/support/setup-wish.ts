import type { SetupWish } from '../../src/setup/setup-plan.ts';

/** The smaller model on a card with a current driver, nothing named. */
export const SETUP_WISH: SetupWish = {
  engine: 'gpu',
  model: 'gpt-oss-20b',
  modelPath: null,
  python: null,
  stateDir: '/state',
  driverVersion: '590.48.01',
};
