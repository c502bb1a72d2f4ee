import { z } from 'zod';
import { type Failure, failure } from '../../domain/failure.ts';
import type { Author } from '../../domain/participant.ts';
import { err, ok, type Result } from '../../domain/result.ts';
import { invalidField } from '../../protocol/decode.ts';
import { Key } from '../../protocol/fields.ts';
import type { Edge } from '../edge.ts';
import type { Verified } from '../identity.ts';
import type { Streams } from '../sse.ts';
import type { Answer } from './reply.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** What every route is given besides the request. */
export interface RestParts {
  readonly edge: Edge;
  readonly streams: Streams;
}

/** A list where the route says that a name may be there many times. */
export type RawQuery = Readonly<Record<string, string | readonly string[]>>;

/** A request as it came in: text, unchecked. */
export interface RawCall {
  readonly params: Readonly<Record<string, string>>;
  readonly query: RawQuery;
  /** What the JSON said; of an upload, its bytes. */
  readonly body: unknown;
  readonly header: (name: HeaderName) => string;
  /** Calls `fn` when the client goes away before it has its answer. */
  readonly onGone: (fn: () => void) => void;
  /** The address that the request came from, as far as that is known. */
  readonly from: string;
}

/** The headers that are read; all others are let go with the request. */
export const HEADERS = [
  'accept',
  'authorization',
  'content-type',
  'idempotency-key',
  'if-none-match',
  'last-event-id',
  'x-correlation-id',
  'x-forwarded-for',
] as const;
export type HeaderName = (typeof HEADERS)[number];

/** A request whose parts are what the route's schemas say. */
interface Call<P, Q, B> extends RestParts {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  /** The `Idempotency-Key`. */
  readonly key: string | null;
  readonly header: (name: HeaderName) => string;
  readonly onGone: RawCall['onGone'];
  readonly from: string;
}

/** Who asks, and until when that holds (milliseconds since 1970). */
export interface Caller {
  readonly who: Author;
  readonly expiresAt: number;
}

/** One row of the table. */
export interface Route {
  readonly method: Method;
  /** `/v1/conversations/{id}` */
  readonly path: string;
  /** Needs no token. */
  readonly isPublic: boolean;
  readonly takesBody: boolean;
  /** Set where the body is a file, taken as it is. */
  readonly upload?: UploadRules;
  /** `caller` is undefined for a public route only. */
  readonly run: (raw: RawCall, parts: RestParts, caller: Verified | undefined) => Promise<Answer>;
}

interface UploadRules {
  readonly maxBytes: (edge: Edge) => number;
  /** Names in the query that may be there many times. */
  readonly repeatable: readonly string[];
}

/** An upload: its query is checked by who knows what the file is. */
interface UploadCall extends RestParts, Caller {
  readonly query: RawQuery;
  readonly bytes: Buffer;
  readonly key: string | null;
  readonly header: (name: HeaderName) => string;
}

interface Shape<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType> {
  readonly method: Method;
  readonly path: string;
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
}

type Nothing = z.ZodObject;
type CallOf<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType> = Call<
  z.infer<P>,
  z.infer<Q>,
  z.infer<B>
>;

/** A route for people who said who they are. */
export function route<
  P extends z.ZodType = Nothing,
  Q extends z.ZodType = Nothing,
  B extends z.ZodType = Nothing,
>(
  shape: Shape<P, Q, B> & {
    readonly handle: (call: CallOf<P, Q, B> & Caller) => Promise<Answer>;
  },
): Route {
  return {
    ...base(shape),
    isPublic: false,
    run: async (raw, parts, caller) => {
      if (caller === undefined) return err(failure('unauthenticated'));
      const { participant: who, expiresAt } = caller;
      const call = check(shape, raw);
      return call.ok ? shape.handle({ ...call.value, ...parts, who, expiresAt }) : call;
    },
  };
}

/** A route for operators: a token with the admin role. To everybody else it is 403 `forbidden`. */
export function adminRoute<
  P extends z.ZodType = Nothing,
  Q extends z.ZodType = Nothing,
  B extends z.ZodType = Nothing,
>(
  shape: Shape<P, Q, B> & {
    readonly handle: (call: CallOf<P, Q, B> & Caller) => Promise<Answer>;
  },
): Route {
  const open = route(shape);
  return {
    ...open,
    run: async (raw, parts, caller) =>
      caller?.isAdmin === false
        ? err(failure('forbidden', { message: 'This takes a token with the admin role.' }))
        : open.run(raw, parts, caller),
  };
}

/** A route for everybody. */
export function publicRoute<
  P extends z.ZodType = Nothing,
  Q extends z.ZodType = Nothing,
  B extends z.ZodType = Nothing,
>(shape: Shape<P, Q, B> & { readonly handle: (call: CallOf<P, Q, B>) => Promise<Answer> }): Route {
  return {
    ...base(shape),
    isPublic: true,
    run: async (raw, parts) => {
      const call = check(shape, raw);
      return call.ok ? shape.handle({ ...call.value, ...parts }) : call;
    },
  };
}

/** A route that takes files of people who said who they are. */
export function uploadRoute({
  method,
  path,
  handle,
  ...upload
}: UploadRules & {
  readonly method: Method;
  readonly path: string;
  readonly handle: (call: UploadCall) => Promise<Answer>;
}): Route {
  return {
    method,
    path,
    isPublic: false,
    takesBody: true,
    upload,
    run: async (raw, parts, caller) => {
      if (caller === undefined) return err(failure('unauthenticated'));
      const { participant: who, expiresAt } = caller;
      const call = check({ method, path }, { ...raw, query: {}, body: {} });
      if (!call.ok) return call;
      const { key, header } = call.value;
      const bytes = raw.body as Buffer;
      return handle({ ...parts, who, expiresAt, query: raw.query, bytes, key, header });
    },
  };
}

function base({ method, path, body }: Shape<z.ZodType, z.ZodType, z.ZodType>) {
  return { method, path, takesBody: body !== undefined };
}

const ANYTHING = z.object({});
const OptionalKey = Key.optional();

function check<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType>(
  shape: Shape<P, Q, B>,
  raw: RawCall,
): Result<Omit<CallOf<P, Q, B>, keyof RestParts>, Failure> {
  const key = OptionalKey.safeParse(raw.header('idempotency-key') || undefined);
  if (!key.success) {
    return err(failure('invalid_field', { message: '`Idempotency-Key`: not a key' }));
  }
  const params = parse(shape.params, raw.params);
  if (!params.ok) return params;
  const query = parse(shape.query, raw.query);
  if (!query.ok) return query;
  const body = parse(shape.body, raw.body);
  if (!body.ok) return body;
  return ok({
    params: params.value,
    query: query.value,
    body: body.value,
    key: key.data ?? null,
    header: raw.header,
    onGone: raw.onGone,
    from: raw.from,
  });
}

/** What a schema makes of a value, or `invalid_field`. */
export function parse<S extends z.ZodType>(
  schema: S | undefined,
  value: unknown,
): Result<z.infer<S>, Failure> {
  try {
    const parsed = (schema ?? ANYTHING).safeParse(value);
    return parsed.success ? ok(parsed.data as z.infer<S>) : err(invalidField(parsed.error));
  } catch (cause) {
    // What is nested too deep for a schema's own look into it.
    if (cause instanceof RangeError) return err(failure('invalid_field', { message: 'too deep' }));
    throw cause;
  }
}
