import { z } from 'zod';
import { SPEAKS, WHILE_BUSY } from '../domain/conversation.ts';
import { ID_PATTERN, type ParticipantId } from '../domain/ids.ts';
import { MAX_NAME_CHARS } from '../domain/participant.ts';
import { err, ok, type Result } from '../domain/result.ts';

/** Agents of one server. */
const MAX_AGENTS = 64;
/** Characters of the file. */
const MAX_CHARS = 1024 * 1024;
const MAX_PROMPT_CHARS = 100_000;
/** Mistakes that are told at once. */
const MAX_MISTAKES = 50;

const Word = z.string().min(1).max(200);
const Names = z.array(Word).max(200);
const Price = z.number().min(0).max(1_000_000);

const FileAgent = z.strictObject({
  id: z
    .string()
    .regex(ID_PATTERN, '1 to 128 of A-Z a-z 0-9 . _ ~ : -')
    .transform((text) => text as ParticipantId),
  name: z.string().trim().min(1).max(MAX_NAME_CHARS),
  /** `openai:…`, `bedrock:…`, `offline` or `scripted`. */
  model: Word,
  base_url: Word.optional(),
  /** The variable of the environment that has the key of the endpoint. */
  api_key_env: z.string().regex(/^\w+$/, 'the name of a variable').optional(),
  system_prompt: z.string().max(MAX_PROMPT_CHARS).optional(),
  tools: Names.optional(),
  approval: Names.optional(),
  speaks: z.enum(SPEAKS).default('auto'),
  while_busy: z.enum(WHILE_BUSY).default('enqueue'),
  context_tokens: z.int().min(100).max(10_000_000).optional(),
  max_output_tokens: z.int().min(1).max(10_000_000).optional(),
  /** What a million tokens cost. */
  price: z.strictObject({ input: Price, output: Price }).optional(),
  fallback: z
    .strictObject({ model: Word.optional(), offline: z.boolean().default(false) })
    .optional(),
});

const AgentsFile = z.strictObject({ agents: z.array(FileAgent).min(1).max(MAX_AGENTS) });

/** One agent, as its file says. */
export type FileAgent = z.infer<typeof FileAgent>;

/** The agents of a file, YAML or JSON; or every mistake in it, a line each. What is not known is a mistake, too. */
export async function readAgentsFile(
  text: string,
): Promise<Result<readonly FileAgent[], readonly string[]>> {
  if (text.length > MAX_CHARS) return err([`is larger than ${MAX_CHARS} characters`]);
  const read = await parsed(text);
  if (!read.ok) return read;
  const checked = AgentsFile.safeParse(read.value);
  if (!checked.success) return err(checked.error.issues.slice(0, MAX_MISTAKES).map(inWords));
  const { agents } = checked.data;
  const twice = agents.filter(({ id }, at) => agents.findIndex((one) => one.id === id) < at);
  return twice.length === 0 ? ok(agents) : err(twice.map(({ id }) => `\`${id}\` is there twice`));
}

/** JSON is YAML. */
async function parsed(text: string): Promise<Result<unknown, readonly string[]>> {
  const { parseDocument } = await import('yaml');
  const document = parseDocument(text);
  if (document.errors.length > 0) {
    // Its first line says what and where; the others show the place.
    return err(document.errors.map(({ message }) => message.split('\n', 1)[0] ?? message));
  }
  try {
    return ok(document.toJS());
  } catch {
    return err(['refers to itself too often']);
  }
}

function inWords({ path, message }: z.core.$ZodIssue): string {
  return path.length === 0 ? message : `${path.join('.')}: ${message}`;
}
