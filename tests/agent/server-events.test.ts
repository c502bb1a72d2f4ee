import { expect, test } from 'vitest';
import { ServerEvents } from '../../src/agent/langgraph/server-events.ts';

const STREAM =
  ': a comment\n\ndata: {"a":1}\n\nevent: error\r\ndata:{"b":2}\r\nid: 7\r\n\r\n\n' +
  'data: one\ndata: two\n\nretry\ndata\n\ndata: last';
const EVENTS = [
  { name: '', data: '{"a":1}' },
  { name: 'error', data: '{"b":2}' },
  { name: '', data: 'one\ntwo' },
  { name: '', data: '' },
  { name: '', data: 'last' },
];

test('the events are the same wherever the stream was cut', () => {
  for (let size = 1; size <= STREAM.length; size += 1) {
    const reading = new ServerEvents();
    const events = [];
    for (let at = 0; at < STREAM.length; at += size) {
      events.push(...reading.take(STREAM.slice(at, at + size)));
    }
    expect([...events, ...reading.end()]).toEqual(EVENTS);
  }
});

test('an event without an end is refused at a limit', () => {
  const reading = new ServerEvents();
  const piece = `data: ${'x'.repeat(1_000_000)}\n`;
  const endless = () => {
    for (let at = 0; at < 5; at += 1) reading.take(piece);
  };
  expect(endless).toThrow('characters');
});
