import { expect, it, onTestFinished, vi } from 'vitest';
import { Bodies } from '../../src/store/bodies.ts';
import { openDatabase } from '../../src/store/database.ts';
import { Items } from '../../src/store/items.ts';

it('asks of responses only about those that may have the item in their context, however many there are', () => {
  const database = openDatabase(':memory:', null);
  onTestFinished(() => database.close());
  const bodies = new Bodies(database);
  const prepare = vi.spyOn(database, 'prepare');
  const items = new Items(database, bodies);
  const statements = prepare.mock.calls.map(([sql]) => sql);
  prepare.mockRestore();
  expect(items.findLiving('default', 'nothing', 0)).toBeNull();
  const steps = statements.flatMap((sql) => database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all());
  const looks = steps.map(({ detail }) => detail as string).filter((step) => step.includes('responses'));
  expect(looks).toEqual(['SEARCH responses USING INTEGER PRIMARY KEY (rowid=?)']);
});
