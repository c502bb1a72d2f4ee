import { z } from 'zod';
import type { Citation } from '../../domain/event.ts';
import type { ConversationId, ParticipantId } from '../../domain/ids.ts';
import { err, ok, type Result } from '../../domain/result.ts';
import { shorten } from '../../text/plain-text.ts';

/** What a tool may reach. Shown to operators, and said of every tool. */
type Reach = 'nothing' | 'conversation' | 'documents' | 'database' | 'web' | 'mcp';

/** What a tool is run with besides its arguments: by whom and where comes from the turn, never from the model. */
export interface ToolContext {
  readonly conversationId: ConversationId;
  /** The message that is answered: the agent sees what was said before it. */
  readonly triggerSeq: number;
  /** The people whose rights it uses: it may show what all of them may see. */
  readonly askedBy: readonly ParticipantId[];
  /** Aborts at the tool's time limit, and when the turn ends. */
  readonly signal: AbortSignal;
}

/** A tool that an agent may call. Where it comes from is of no interest here. */
export interface Tool {
  /** `a-z A-Z 0-9 _ -`, 64 at most: what every provider takes. */
  readonly name: string;
  /** What the model reads about it. */
  readonly description: string;
  /** JSON Schema of the arguments, for the model. */
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly reaches: Reach;
  /** Whether people are asked before each call. */
  readonly needsApproval: boolean;
  /** Milliseconds a call may take. */
  readonly timeoutMs: number;
  /** The arguments as the tool takes them, or what is wrong with them, in words for the model. */
  readonly check: (args: unknown) => Result<unknown, string>;
  /**
   * Runs it with arguments that `check` gave. The result is JSON. Throws `ToolError` with words for the model; of
   * anything else it throws, nothing is told.
   */
  readonly run: (args: unknown, context: ToolContext) => Promise<unknown>;
  /** The chunks of documents that a result shows. Pure, so that a result that was written down gives them again. */
  readonly citations?: (result: unknown) => readonly Citation[];
  /** Told of each call that was allowed, or refused by people. */
  readonly onRan?: (how: RanHow, tookMs: number) => void;
}

/** How a call ended; `late` is its time limit, `cancelled` the end of its turn. */
export type RanHow = 'done' | 'failed' | 'late' | 'cancelled' | 'refused';

/** Why a tool gives no result, in words that the model and people may read: no secret, no stack. */
export class ToolError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ToolError';
  }
}

/** The row of a tool: its schema is zod's, and its arguments have the schema's type. */
export interface ToolRow<S extends z.ZodObject> {
  readonly name: string;
  readonly description: string;
  readonly args: S;
  readonly reaches: Reach;
  readonly needsApproval?: boolean;
  readonly timeoutMs: number;
  readonly run: (args: z.output<S>, context: ToolContext) => Promise<unknown>;
  readonly citations?: (result: unknown) => readonly Citation[];
}

const PROBLEM_CHARS = 500;

export function toolOf<S extends z.ZodObject>(row: ToolRow<S>): Tool {
  const { args: schema, run, needsApproval = false, ...rest } = row;
  return {
    ...rest,
    needsApproval,
    parameters: jsonSchemaOf(schema),
    check: (args) => checked(schema, args),
    run: (args, context) => run(args as z.output<S>, context),
  };
}

/** The arguments as a schema reads them, or its complaint in one line. */
export function checked(schema: z.ZodType, args: unknown): Result<unknown, string> {
  const read = schema.safeParse(args);
  if (read.success) return ok(read.data);
  const problems = read.error.issues.map(({ path, message }) =>
    path.length === 0 ? message : `${path.join('.')}: ${message}`,
  );
  return err(shorten(problems.join('; '), PROBLEM_CHARS));
}

function jsonSchemaOf(schema: z.ZodObject): Readonly<Record<string, unknown>> {
  const { $schema: _, ...parameters } = z.toJSONSchema(schema, { io: 'input' });
  return parameters;
}

/**
 * The tools an agent has for a turn that begins now: those of a server that is away are not among them. `needed` are
 * names of calls that an earlier attempt left open: their servers are waited for as long as it takes to connect.
 */
export type ToolSource = (needed?: readonly string[]) => Promise<readonly Tool[]>;
