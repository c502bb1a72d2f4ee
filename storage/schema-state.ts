import { OpenError } from './open-error.ts';
import { sqliteSchema } from './sqlite/schema-state.ts';

/** Which schema a store has, and which one this program makes of it. */
export interface SchemaState {
  /** 0 when there is nothing yet. */
  readonly found: number;
  readonly known: number;
}

/** How a backend tells its schema without changing anything. Throws `OpenError`. */
type SchemaOf = (rest: string) => SchemaState | Promise<SchemaState>;

/** One row a backend that has a schema; the rest of its URL comes without the scheme. */
const BACKENDS: Readonly<Record<string, SchemaOf>> = {
  sqlite: sqliteSchema,
};

/** The schema of the store that a URL names; nothing is changed, and nothing is waited for. Throws `OpenError`. */
export async function schemaStateOf(url: string): Promise<SchemaState> {
  const [scheme = '', ...rest] = url.split(':');
  const schemaOf = Object.hasOwn(BACKENDS, scheme) ? BACKENDS[scheme] : undefined;
  if (schemaOf === undefined) throw new OpenError(`the store ${scheme}: has no schema`);
  return schemaOf(rest.join(':'));
}
