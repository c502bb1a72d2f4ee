import { postgresSchema } from './postgres/open-postgres.ts';
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
  postgres: (rest) => postgresSchema(`postgres:${rest}`),
  postgresql: (rest) => postgresSchema(`postgres:${rest}`),
};

/**
 * The schema of the store that a URL names; undefined when stores of its kind have none. Nothing is changed, and no
 * lock is waited for. Throws `OpenError`.
 */
export async function schemaStateOf(url: string): Promise<SchemaState | undefined> {
  const [scheme = '', ...rest] = url.split(':');
  const schemaOf = Object.hasOwn(BACKENDS, scheme) ? BACKENDS[scheme] : undefined;
  return schemaOf?.(rest.join(':'));
}
