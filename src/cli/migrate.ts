import { loadSettings } from './settings.ts';
import { withStore } from './with-store.ts';

/** A store brings itself to this version when it is opened. */
export async function migrate(args: readonly string[]): Promise<void> {
  const { config } = loadSettings(args);
  await withStore(config, (store) => store.probe());
  process.stdout.write(`${config.store} is at this version\n`);
}
