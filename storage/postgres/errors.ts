import pg from 'pg';
import { type Unavailable, unavailable } from '../unavailable.ts';

/**
 * The server's troubles, by class of SQLSTATE: connections (08), a feature or statement that another program's
 * migration changed under us (0A, 26), credentials (28), a database that is gone (3D), deadlocks and serialization
 * (40), resources and disk (53), an object not in the right state, as locks (55), the operator (57), the system
 * (58), configuration (F0), internal errors and corruption (XX).
 */
const ENVIRONMENT_CLASSES = [
  '08',
  '0A',
  '26',
  '28',
  '3D',
  '40',
  '53',
  '55',
  '57',
  '58',
  'F0',
  'XX',
];
/** A standby where the primary was, a transaction that timed out, rights that were taken away. */
const ENVIRONMENT_CODES = ['25006', '25P03', '25P04', '42501'];

const DEADLOCK = '40P01';
const SERIALIZATION = '40001';
const UNIQUE = '23505';

/** What the driver says of itself, not of the server: a connection that is not there, is cut, or is late. */
class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
}

/** The database does not answer: nobody can connect to it, or it is later than it said it would be. */
class AwayError extends ConnectionError {}

/** The other side ended the connection: what the socket says, what the driver says, and what the server says in leaving. */
const ENDS = ['EPIPE', 'ECONNRESET'];
const ENDED = /^Connection terminated|^Client has encountered a connection error/;
const GOODBYES = ['57P01', '57P02'];
/** It is there, and takes nobody: it starts, or stops. */
const CLOSED_DOORS = [...GOODBYES, '57P03'];
/** All connections are in use, which by itself says nothing of the database. */
const NO_ROOM = 'timeout exceeded when trying to connect';
/** The answer to a statement did not come in the time that the server has, and ours on top. */
const LATE = 'Query read timeout';

/** For every error that the driver throws: no other error of this program is taken for one of the connection's. */
export function driverError(error: unknown): unknown {
  const isMistake = error instanceof TypeError || error instanceof RangeError;
  if (error instanceof pg.DatabaseError || isMistake) return error;
  const cause = error instanceof AggregateError ? error.errors[0] : error;
  const message = cause instanceof Error ? cause.message : 'no connection';
  return new (message === LATE ? AwayError : ConnectionError)(message, { cause });
}

/** The same for the error of a connection that was not made; `isSilent`: nothing was answered while it was waited for. */
export function connectError(error: unknown, isSilent: boolean): unknown {
  const known = driverError(error);
  const isRefused = known instanceof ConnectionError && (isSilent || known.message !== NO_ROOM);
  const isClosed = CLOSED_DOORS.includes(codeOf(known) ?? '');
  if (!(known instanceof Error && (isRefused || isClosed))) return known;
  return new AwayError(known.message, { cause: known });
}

/**
 * Whether the database itself is away, so that everybody else would find it so, too. A connection that was cut does
 * not say so: the next one will. Neither does a database that answers, whatever its answer is.
 */
export function isAway(error: unknown): boolean {
  return error instanceof AwayError;
}

/** The database itself has said so. */
export function isAnswer(error: unknown): boolean {
  return error instanceof pg.DatabaseError;
}

/** Undefined when the error is not the server's. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined;
}

/** False for what a statement brought upon itself: a constraint, a value that Postgres refuses, a mistake in our code. */
export function isEnvironment(error: unknown): boolean {
  const code = codeOf(error);
  if (code === undefined) return error instanceof ConnectionError;
  return ENVIRONMENT_CLASSES.includes(code.slice(0, 2)) || ENVIRONMENT_CODES.includes(code);
}

/** Two transactions stood in each other's way, and this one was undone: it may be tried again. */
export function isCollision(error: unknown): boolean {
  const code = codeOf(error);
  return code === DEADLOCK || code === SERIALIZATION;
}

/** The connection was ended by the other side, which a pool may find out only by using it; not that it hangs. */
export function isCutOff(error: unknown): boolean {
  if (!(error instanceof ConnectionError)) return GOODBYES.includes(codeOf(error) ?? '');
  const { code } = error.cause as NodeJS.ErrnoException;
  return ENDS.includes(code ?? '') || ENDED.test(error.message);
}

export function isUniqueViolation(error: unknown): boolean {
  return codeOf(error) === UNIQUE;
}

/**
 * Whether the server said that it undid the statement. Not when it ended the connection (FATAL), which it may do
 * after the commit and before it says so.
 */
function isRefusal(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.severity === 'ERROR';
}

/** The answer when a commit was under way; throws what is not the environment's. */
export function cutCommit(error: unknown): Unavailable {
  if (!isEnvironment(error)) throw error;
  return unavailable(error, isRefusal(error) ? 'none' : 'unknown');
}

/** The answer when nothing can have been stored; throws what is not the environment's. */
export function nothingDone(error: unknown): Unavailable {
  if (!isEnvironment(error)) throw error;
  return unavailable(error);
}
