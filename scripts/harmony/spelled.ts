import type { Piece } from '../../src/harmony/render.ts';
import { TOKENS } from '../../src/harmony/tokens.ts';

const IDS = new Map<string, number>([
  ...Object.entries(TOKENS),
  ['endoftext', TOKENS.endOfText],
  ['reserved_200013', 200_013],
]);

/** Pieces from one readable line: every `<|name|>` in it is that control token. Not for text of strangers. */
export function spelled(line: string): Piece[] {
  return line
    .split(/<\|(\w+)\|>/)
    .map((part, index) => (index % 2 === 0 ? part : controlToken(part)))
    .filter((piece) => piece !== '');
}

function controlToken(name: string): number {
  const id = IDS.get(name);
  if (id === undefined) throw new Error(`No control token is named ${name}.`);
  return id;
}
