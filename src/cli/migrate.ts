import type { SchemaState } from '../../storage/schema-state.ts';
import { printable } from '../config.ts';
import { splitArguments } from './arguments.ts';
import { loadSettings } from './settings.ts';
import { UsageError } from './usage-error.ts';
import { withStore } from './with-store.ts';

/** A store brings itself to this version when it is opened; with `--check` it is only asked. */
export async function migrate(args: readonly string[]): Promise<void> {
  const { switches, settings } = splitArguments(args, { operands: [], switches: ['--check'] });
  const { config } = loadSettings(settings);
  const shown = printable(config).store;
  if (switches.has('--check')) {
    const { schemaStateOf } = await import('../../storage/schema-state.ts');
    const state = await schemaStateOf(config.store);

    if (state === undefined) throw new UsageError(`${shown} has no schema`);
    const mistake = mistakeIn(state);
    if (mistake !== undefined) throw new UsageError(`${shown} ${mistake}`);
    process.stdout.write(`${shown} has schema ${state.found}, as this program knows it\n`);
    return;
  }
  await withStore(config, (store) => store.probe());
  process.stdout.write(`${shown} is at this version\n`);
}

function mistakeIn({ found, known }: SchemaState): string | undefined {
  if (found === known) return undefined;
  if (found > known) {
    return `has schema ${found}, and this program knows schemas up to ${known}: start a newer program, or use another store`;
  }
  const has = found === 0 ? 'has no schema yet' : `has schema ${found}`;
  return `${has}; \`colloquy migrate\`, or a start, brings it to ${known}`;
}
