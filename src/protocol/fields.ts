import { z } from 'zod';
import { SPEAKS, VISIBILITIES, WHILE_BUSY } from '../domain/conversation.ts';
import { VERDICTS } from '../domain/event.ts';
import type { ConversationId, DocumentId, ParticipantId, TurnId } from '../domain/ids.ts';
import { ID_PATTERN } from '../domain/ids.ts';
import { MAX_NAME_CHARS, ROLES } from '../domain/participant.ts';

/** The fields that frames and bodies share. */

const Id = z.string().regex(ID_PATTERN, '1 to 128 of A-Z a-z 0-9 . _ ~ : -');

/** A correlation id of the client's own, or an idempotency key. */
export const RequestId = Id;
export const Key = Id;
export const ConversationIdField = Id as unknown as z.ZodType<ConversationId, string>;
export const ParticipantIdField = Id as unknown as z.ZodType<ParticipantId, string>;
export const DocumentIdField = Id as unknown as z.ZodType<DocumentId, string>;
export const TurnIdField = Id as unknown as z.ZodType<TurnId, string>;

/** A seq that exists: from 1. */
export const SeqField = z.int().min(1);
/** A position in the log: 0 is before the first event. */
export const PositionField = z.int().min(0);
export const TimeField = z.iso.datetime({ precision: 3 });

/** Length in characters is checked where the configured limit is known. */
export const ContentField = z.string().min(1);

/** Bytes of metadata as JSON. */
const MAX_METADATA_BYTES = 4096;
/** Levels of objects and lists in it: deeper text is an attack on somebody's parser. */
const MAX_METADATA_DEPTH = 16;
const encoder = new TextEncoder();
export const MetadataField = z.record(z.string(), z.unknown()).refine(isModest, {
  message: `more than ${MAX_METADATA_BYTES} bytes as JSON, or more than ${MAX_METADATA_DEPTH} levels`,
});

function isModest(value: unknown): boolean {
  if (!isShallow(value, MAX_METADATA_DEPTH)) return false;
  return encoder.encode(JSON.stringify(value)).length <= MAX_METADATA_BYTES;
}

function isShallow(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return levels > 0 && Object.values(value).every((inner) => isShallow(inner, levels - 1));
}

export const NameField = z
  .string()
  .trim()
  .min(1)
  .max(MAX_NAME_CHARS)
  .regex(/^\P{C}+$/u, 'no control characters');

export const TokenField = z.string().min(1).max(8192);
export const RoleField = z.enum(ROLES);
const KindField = z.enum(['human', 'agent']);
export const VisibilityField = z.enum(VISIBILITIES);
export const SpeaksField = z.enum(SPEAKS);
export const WhileBusyField = z.enum(WHILE_BUSY);

export const AuthorField = z.object({ id: ParticipantIdField, name: z.string(), kind: KindField });
export const UsageField = z.object({
  input_tokens: z.int().min(0),
  output_tokens: z.int().min(0),
  /** In the currency of the operator's prices, where there are any. */
  cost: z.number().min(0).exactOptional(),
  /** The provider did not say: it was counted here. */
  estimated: z.literal(true).exactOptional(),
});
export const VerdictField = z.enum(VERDICTS);
/** The id of a tool call, as the model gave it. */
export const CallIdField = z.string().min(1).max(128);
/** Why somebody decided as they did; the model reads it. */
export const DecisionReasonField = z.string().trim().min(1).max(500);
export const CitationField = z.object({
  document_id: z.string(),
  chunk_id: z.string(),
  title: z.string(),
  score: z.number(),
});
