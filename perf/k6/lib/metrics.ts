import { Counter, Trend } from 'k6/metrics';

// What every scenario measures. Times are milliseconds, from when a message should have been sent.

export const ackMs = new Trend('ack_ms', true);
export const deliveryMs = new Trend('delivery_ms', true);
/** From opening the connection until `live`. */
export const connectMs = new Trend('connect_ms', true);
/** The same, for a connection that had been there before. */
export const resumeMs = new Trend('resume_ms', true);
/** From the send until its `error` 429 or 503. */
export const refusalMs = new Trend('refusal_ms', true);
export const firstTokenMs = new Trend('first_token_ms', true);
export const tokensPerSecond = new Trend('tokens_per_second');

export const sends = new Counter('sends');
export const acks = new Counter('acks');
export const deliveries = new Counter('deliveries');
/** Events that came as a replay after a join. */
export const replayed = new Counter('replayed');
export const connects = new Counter('connects');
export const resumes = new Counter('resumes');
/** Tagged with the reason. */
export const refusals = new Counter('refusals');
export const turns = new Counter('turns');

// Correctness: one of any of these fails the run.

/** Events that a follower did not get. */
export const gaps = new Counter('gaps');
/** Events that came again. */
export const duplicates = new Counter('duplicates');
/** Sends that were never acknowledged. */
export const lostAcks = new Counter('lost_acks');
/** Acknowledged sends whose sender never saw its own event. */
export const lostEvents = new Counter('lost_events');
/** An `ack` and its event with different seqs; a message stored twice. */
export const mismatches = new Counter('mismatches');
/** Turns whose deltas are not their message, or that did not complete. */
export const brokenTurns = new Counter('broken_turns');
/** Answers that no client should get: errors other than refusals, tagged with the reason. */
export const errors = new Counter('errors');
/** Connections that the server ended, or that failed, tagged with the code. */
export const closes = new Counter('closes');
/** VUs that did all they were to do. */
export const finished = new Counter('finished');
