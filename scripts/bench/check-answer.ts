/** What kind of answer a client waits for: Chorus's two, and the engine's two. */
export type AnswerKind = 'responses-stream' | 'responses-json' | 'tokens-stream' | 'tokens-json';

/** What every answer must hold. */
export interface ExpectedAnswer {
  readonly tokenCount: number;
  /** The visible text of it. */
  readonly text: string;
}

/** Why a complete body is not the whole answer, or null when it is. */
export function answerProblem(kind: AnswerKind, body: string, expected: ExpectedAnswer): string | null {
  switch (kind) {
    case 'responses-stream':
      return responsesStreamProblem(body, expected);
    case 'responses-json': {
      const { output_text: text } = JSON.parse(body) as { output_text?: string };
      return text === expected.text ? null : `the answer says ${JSON.stringify(text).slice(0, 80)}`;
    }
    case 'tokens-stream':
      return tokenStreamProblem(body, expected);
    case 'tokens-json': {
      const { choices } = JSON.parse(body) as { choices: { token_ids: unknown[] }[] };
      const count = choices[0]?.token_ids.length;
      return count === expected.tokenCount ? null : `${count} tokens instead of ${expected.tokenCount}`;
    }
  }
}

interface StreamEvent {
  readonly type: string;
  readonly sequence_number: number;
  readonly delta?: string;
}

/** Numbers without a gap, the whole text in the deltas, one terminal event, `[DONE]`. */
function responsesStreamProblem(body: string, expected: ExpectedAnswer): string | null {
  const frames = body.split('\n\n').filter((frame) => frame !== '' && !frame.startsWith(':'));
  if (frames.pop() !== 'data: [DONE]') return 'the stream does not end with [DONE]';
  let text = '';
  let last = '';
  for (const [index, frame] of frames.entries()) {
    const event = JSON.parse(frame.slice(frame.indexOf('\ndata: ') + '\ndata: '.length)) as StreamEvent;
    if (event.sequence_number !== index) return `event ${index} has the number ${event.sequence_number}`;
    if (event.type === 'response.output_text.delta') text += event.delta ?? '';
    last = event.type;
  }
  if (last !== 'response.completed') return `the last event is ${last}`;
  return text === expected.text ? null : `the deltas say ${JSON.stringify(text).slice(0, 80)}`;
}

/** One event a token, then the usage, then `[DONE]`. */
function tokenStreamProblem(body: string, { tokenCount }: ExpectedAnswer): string | null {
  const frames = body.split('\n\n').filter((frame) => frame !== '');
  if (frames.at(-1) !== 'data: [DONE]') return 'the stream does not end with [DONE]';
  return frames.length === tokenCount + 2 ? null : `${frames.length - 2} events instead of ${tokenCount}`;
}
