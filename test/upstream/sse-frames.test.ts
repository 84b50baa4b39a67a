import { describe, expect, it } from 'vitest';
import { SseFrames } from '../../src/upstream/sse-frames.ts';

function framesOf(pieces: readonly Buffer[]): string[] {
  const splitter = new SseFrames();
  const frames: string[] = [];
  for (const piece of pieces) splitter.push(piece, (data) => frames.push(data));
  return frames;
}

const STREAM = Buffer.from(
  'data: {"a":"naïve 🙂"}\n\n: comment\n\ndata:{"b":"世界"}\r\n\r\nevent: x\ndata: one\ndata: two\n\ndata: [DONE]\n\n',
);
const FRAMES = ['{"a":"naïve 🙂"}', '{"b":"世界"}', 'one\ntwo', '[DONE]'];

describe('cutting a stream into frames', () => {
  it('gives the same frames wherever the stream is cut in two', () => {
    for (let cut = 0; cut <= STREAM.length; cut++) {
      expect(framesOf([STREAM.subarray(0, cut), STREAM.subarray(cut)]), `cut at ${cut}`).toEqual(FRAMES);
    }
  });

  it('gives the same frames byte by byte', () => {
    expect(framesOf([...STREAM].map((byte) => Buffer.of(byte)))).toEqual(FRAMES);
  });

  it('gives a frame only once its blank line has come', () => {
    expect(framesOf([Buffer.from('data: {"a":1}\n')])).toEqual([]);
    expect(framesOf([Buffer.from('data: {"a":1}\n\r')])).toEqual([]);
    expect(framesOf([Buffer.from('data: {"a":1}\n\r\n')])).toEqual(['{"a":1}']);
  });
});
