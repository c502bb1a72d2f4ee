import { describe, expect, it } from 'vitest';
import { CLIENT_FRAMES } from '../../src/protocol/client-frames.ts';
import { decodeFrame } from '../../src/protocol/decode.ts';
import { fc, runs } from '../support/properties.ts';

type ClientFrameType = keyof typeof CLIENT_FRAMES;

const conversation_id = 'c';
const id = 'q.1~:-_Z';

/** A frame of each type with every field that it may have. */
const WHOLE: Readonly<Record<ClientFrameType, object>> = {
  hello: { type: 'hello', id, token: 'a.b.c', name: 'Ada' },
  join: { type: 'join', id, conversation_id, after_seq: 0, epoch: 'e', create: true },
  leave: { type: 'leave', id, conversation_id },
  send: {
    type: 'send',
    id,
    conversation_id,
    content: ' ',
    key: 'k',
    reply_to: 1,
    metadata: { deep: [{ a: null }] },
  },
  edit: { type: 'edit', id, conversation_id, seq: 1, content: 'x', key: 'k' },
  delete: { type: 'delete', id, conversation_id, seq: 1, key: 'k' },
  cancel: { type: 'cancel', id, conversation_id, turn_id: 't' },
  decide: {
    type: 'decide',
    id,
    conversation_id,
    turn_id: 't',
    call_id: 'call 1',
    decision: 'reject',
    reason: 'no',
    key: 'k',
  },
  read: { type: 'read', id, conversation_id, seq: 1 },
  typing: { type: 'typing', id, conversation_id, active: false },
  ping: { type: 'ping', id },
};

function reasonOf(text: string): string {
  const decoded = decodeFrame(text);
  return decoded.ok ? 'ok' : decoded.failure.failure.reason;
}

describe('decoding a frame', () => {
  it('knows every type of the contract', () => {
    expect(Object.keys(CLIENT_FRAMES).sort()).toEqual(Object.keys(WHOLE).sort());
  });

  it.each(Object.entries(WHOLE))(
    'takes a whole %s as it is, and drops what it does not know',
    (_, frame) => {
      expect(decodeFrame(JSON.stringify(frame))).toEqual({ ok: true, value: frame });
      const more = JSON.stringify({ ...frame, unknown: 1, other: { a: 1 } });
      expect(decodeFrame(more)).toEqual({ ok: true, value: frame });
    },
  );

  it.each(Object.entries(WHOLE))('names the field of a %s that is missing or wrong', (_, frame) => {
    for (const field of Object.keys(frame).filter((name) => name !== 'type')) {
      for (const wrong of [null, {}, [], -1, 1.5, '', '\u0000', 'x'.repeat(9_000)]) {
        const decoded = decodeFrame(JSON.stringify({ ...frame, [field]: wrong }));
        if (decoded.ok) continue;
        expect(decoded.failure.failure.reason).toBe('invalid_field');
        expect(decoded.failure.failure.message).toContain(`\`${field}`);
        if (field !== 'id' && 'id' in frame) expect(decoded.failure.id).toBe(id);
      }
    }
  });

  it('tells what is no frame, what is no type, and what is a frame with a mistake', () => {
    for (const text of [
      '',
      'nonsense',
      'null',
      '1',
      '"hello"',
      '[]',
      '[{"type":"ping"}]',
      '{"type"',
    ]) {
      expect([text, reasonOf(text)]).toEqual([text, 'bad_frame']);
    }
    for (const type of ['x', 'HELLO', 'toString', 'constructor', '__proto__', '', 1, null]) {
      expect([type, reasonOf(JSON.stringify({ type }))]).toEqual([type, 'unknown_type']);
    }
    expect(reasonOf('{}')).toBe('unknown_type');
    expect(reasonOf('{"type":"join","id":"q"}')).toBe('invalid_field');
  });

  it('gives back the ids of a frame that it refuses, when they are ids', () => {
    const refused = decodeFrame('{"type":"x","id":"q1","conversation_id":"c1"}');
    expect(refused).toMatchObject({ failure: { id: 'q1', conversationId: 'c1' } });
    const hostile = decodeFrame('{"type":"x","id":"q\\"1","conversation_id":{"a":1}}');
    expect(hostile).toMatchObject({ ok: false });
    expect(Object.keys(hostile.ok ? {} : hostile.failure)).toEqual(['failure']);
  });

  it('never throws, whatever the text', () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.json({ stringUnit: 'binary' }));
    fc.assert(
      fc.property(text, (given) => {
        expect(typeof decodeFrame(given).ok).toBe('boolean');
      }),
    );
  });

  it('never throws on a frame whose fields are anything, and lets no field through unchecked', () => {
    const types = Object.keys(WHOLE) as ClientFrameType[];
    const frame = fc.constantFrom(...types).chain((type) => {
      const fields = Object.fromEntries(
        Object.entries(WHOLE[type]).map(([name, good]) => [
          name,
          name === 'type'
            ? fc.constant(good)
            : fc.oneof(
                { weight: 3, arbitrary: fc.constant(good as unknown) },
                fc.jsonValue({ stringUnit: 'binary' }),
                fc.string({ unit: 'binary' }),
              ),
        ]),
      );
      return fc.record(fields, { requiredKeys: ['type' as never] });
    });
    fc.assert(
      fc.property(frame, (given) => {
        const decoded = decodeFrame(JSON.stringify(given));
        if (!decoded.ok) return;
        const schema = CLIENT_FRAMES[decoded.value.type];
        expect(schema.parse(decoded.value)).toEqual(decoded.value);
      }),
      { numRuns: runs(500) },
    );
  });

  it.each([1_000, 30_000])('survives %i levels of nesting', (depth) => {
    const deep = `${'['.repeat(depth)}${']'.repeat(depth)}`;
    const nested = `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
    for (const value of [deep, nested]) {
      const text = `{"type":"send","id":"q","conversation_id":"c","content":"x","metadata":{"a":${value}}}`;
      expect(['ok', 'invalid_field']).toContain(reasonOf(text));
      expect(['ok', 'bad_frame', 'unknown_type']).toContain(reasonOf(value));
    }
  });
});
