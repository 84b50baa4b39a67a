import type { WireEvent } from './responses-client.ts';

/**
 * Every rule of the Responses stream that `events` breaks (contract, "Order rules"): numbering, the first two events,
 * indices, one item at a time, deltas inside their part, sums of deltas, and exactly one terminal event that lists the
 * items as their `done` events gave them.
 */
export function eventOrderProblems(events: readonly WireEvent[]): string[] {
  const problems: string[] = [];
  const check = (holds: boolean, problem: string): void => {
    if (!holds) problems.push(problem);
  };
  events.forEach((event, index) =>
    check(event.sequence_number === index, `event ${index} has number ${event.sequence_number}`),
  );
  check(events[0]?.type === 'response.created', 'the first event is not response.created');
  check(events[1]?.type === 'response.in_progress', 'the second event is not response.in_progress');
  const done: unknown[] = [];
  let item: { id: string; index: number } | null = null;
  let text: string | null = null;
  for (const event of events.slice(2, -1)) {
    const { type } = event;
    if (type === 'response.output_item.added') {
      check(item === null, 'an item was added before the last one was done');
      check(event['output_index'] === done.length, `item added at index ${String(event['output_index'])}`);
      item = { id: (event['item'] as { id: string }).id, index: done.length };
    } else if (type === 'response.output_item.done') {
      check((event['item'] as { id: string }).id === item?.id, 'another item is done than was added');
      check(text === null, 'an item is done while its part is open');
      done.push(event['item']);
      item = null;
    } else if (type !== 'error') {
      check(event['item_id'] === item?.id && event['output_index'] === item?.index, `${type} outside its item`);
      const isCall = type.startsWith('response.function_call_arguments.');
      check(isCall || event['content_index'] === 0, `${type} with content_index ${String(event['content_index'])}`);
      if (type === 'response.content_part.added') text = '';
      else if (type === 'response.function_call_arguments.delta') text = (text ?? '') + String(event['delta']);
      else if (type === 'response.function_call_arguments.done') {
        check(event['arguments'] === text, 'the arguments are not the sum of their deltas');
        text = null;
      } else if (type.endsWith('.delta')) text = text === null ? text : text + String(event['delta']);
      else if (type.endsWith('_text.done')) check(event['text'] === text, `${type} is not the sum of its deltas`);
      else if (type === 'response.content_part.done') {
        check((event['part'] as { text: string }).text === text, 'the part is not the sum of its deltas');
        text = null;
      } else problems.push(`unexpected event ${type}`);
    }
  }
  const terminal = events.at(-1);
  check(/^response\.(completed|incomplete|failed)$/.test(terminal?.type ?? ''), `the last event is ${terminal?.type}`);
  const output = (terminal?.['response'] as { output?: unknown[] } | undefined)?.output ?? [];
  check(JSON.stringify(output) === JSON.stringify(done), 'the terminal event does not list the items that were done');
  return problems;
}
