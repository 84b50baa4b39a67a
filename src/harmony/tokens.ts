/**
 * The control tokens of the o200k_harmony encoding, by the names that harmony gives them (openai-harmony 0.0.8,
 * `tiktoken_ext/public_encodings`). Only the renderer ever writes them: text never encodes to one.
 */
export const TOKENS = {
  startOfText: 199_998,
  endOfText: 199_999,
  return: 200_002,
  constrain: 200_003,
  channel: 200_005,
  start: 200_006,
  end: 200_007,
  message: 200_008,
  call: 200_012,
} as const;

/** How `TOKENS.constrain` is spelled: the one control token that stands inside a header's text. */
export const CONSTRAIN_SPELLING = '<|constrain|>';

/** Ids from here on are control tokens; everything below is text. */
export const FIRST_CONTROL_TOKEN: number = TOKENS.startOfText;

/** What ends a generation: the model has answered, or wants a tool. `<|end|>` only separates messages. */
export const STOP_TOKEN_IDS: readonly number[] = [TOKENS.return, TOKENS.call];

/** Ids of o200k_harmony, reserved ones included: every id is below. */
export const VOCABULARY_SIZE = 201_088;
