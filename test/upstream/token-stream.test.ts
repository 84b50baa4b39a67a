import { describe } from 'vitest';
import { startSimulator } from '../support/engine-process.ts';
import { tokenStreamContract } from './token-stream-contract.ts';

describe('token streams of the simulator', () => tokenStreamContract(() => startSimulator()));
