import { z } from 'zod';
import type { Failure } from '../domain/failure.ts';
import { failure } from '../domain/failure.ts';
import { isId } from '../domain/ids.ts';
import type { Result } from '../domain/result.ts';
import { err, ok } from '../domain/result.ts';
import type { ClientFrame, ClientFrames } from './client-frames.ts';
import { CLIENT_FRAMES } from './client-frames.ts';

/** A refused frame, with what could be read of it, so that the client can tell which one it was. */
export interface BadFrame {
  readonly failure: Failure;
  readonly id?: string;
  readonly conversationId?: string;
}

const SCHEMAS: ReadonlyMap<string, z.ZodType<ClientFrame>> = new Map(
  Object.entries(CLIENT_FRAMES).map(([type, schema]) => [
    type,
    z.compile(schema) as z.ZodType<ClientFrame>,
  ]),
);

/** One text frame to a command, or to the reason why it is none. Never throws. */
export function decodeFrame(text: string): Result<ClientFrame, BadFrame> {
  const parsed = parseJson(text);
  if (!isObject(parsed)) return err({ failure: failure('bad_frame') });
  if (isPlainSend(parsed)) return ok(parsed);
  const schema = typeof parsed.type === 'string' ? SCHEMAS.get(parsed.type) : undefined;
  if (schema === undefined) return err({ failure: failure('unknown_type'), ...origin(parsed) });
  const checked = schema.safeParse(parsed);
  if (checked.success) return ok(checked.data);
  return err({ failure: invalidField(checked.error), ...origin(parsed) });
}

/** The frame there are most of, when all is well with it: what the schema of `send` says, without a copy. */
function isPlainSend(frame: Record<string, unknown>): frame is ClientFrames['send'] {
  if (frame['type'] !== 'send') return false;
  const { id, conversation_id, content, key, reply_to, metadata } = frame;
  return (
    reply_to === undefined &&
    metadata === undefined &&
    typeof content === 'string' &&
    content.length > 0 &&
    isIdText(id) &&
    isIdText(conversation_id) &&
    (key === undefined || isIdText(key))
  );
}

function isIdText(value: unknown): boolean {
  return typeof value === 'string' && isId(value);
}

/** `invalid_field`, naming the first field that is wrong and why. */
export function invalidField(error: z.ZodError): Failure {
  const [issue] = error.issues;
  const path = issue?.path.join('.') ?? '';
  return failure('invalid_field', {
    message: path === '' ? (issue?.message ?? 'invalid') : `\`${path}\`: ${issue?.message}`,
  });
}

/** Undefined when the text is not JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function origin(frame: Record<string, unknown>): Pick<BadFrame, 'id' | 'conversationId'> {
  const { id, conversation_id } = frame;
  return {
    ...(typeof id === 'string' && isId(id) ? { id } : {}),
    ...(typeof conversation_id === 'string' && isId(conversation_id)
      ? { conversationId: conversation_id }
      : {}),
  };
}
