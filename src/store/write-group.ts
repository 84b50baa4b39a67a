import { encodeBodies, type MeasuredBody } from './body.ts';
import type { PackedItem, PendingWrite, StoreWrite, WriteGroup } from './messages.ts';

interface Place {
  readonly id: string;
  readonly size: number;
}

/**
 * Changes as one text and one buffer: what a message to another thread costs goes with the objects in it, and a group of
 * responses has hundreds.
 */
export function packGroup(writes: readonly PendingWrite[]): WriteGroup {
  const bodies: MeasuredBody[] = [];
  const places = writes.map((write) =>
    withItems(write, (body): Place => {
      bodies.push(body);
      return { id: body.record.id, size: body.size };
    }),
  );
  return { text: JSON.stringify(places), bodies: encodeBodies(bodies) };
}

/** The changes that were packed; their bodies are views of the group's buffer. */
export function unpackGroup({ text, bodies }: WriteGroup): StoreWrite[] {
  let start = 0;
  return (JSON.parse(text) as StoreWrite<Place>[]).map((write) =>
    withItems(write, ({ id, size }): PackedItem => ({ id, body: bodies.subarray(start, (start += size)) })),
  );
}

/** The same change with other items, made in an order that packing and unpacking share. */
function withItems<From extends object, To>(write: StoreWrite<From>, convert: (item: From) => To): StoreWrite<To> {
  if (write.kind !== 'put') return write;
  const { response } = write;
  const object = convert(response.object);
  const newInput = response.newInput.map(convert);
  return { ...write, response: { ...response, object, newInput, output: response.output.map(convert) } };
}
