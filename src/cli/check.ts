import { envNameOf, printable, SETTING_NAMES } from '../config.ts';
import { openAgentOf } from '../open-agent.ts';
import { openEmbeddersOf } from '../open-embedder.ts';
import { insecureModes } from './insecure-modes.ts';
import { loadSettings } from './settings.ts';
import { UsageError } from './usage-error.ts';
import { withStore } from './with-store.ts';

/** Says what the server would run with, and whether it could: the settings, the agent, the embedder, the store. */
export async function checkSettings(args: readonly string[]): Promise<void> {
  const { config, warnings } = loadSettings(args);
  const shown = printable(config);
  const lines = SETTING_NAMES.map((name) => `${envNameOf(name)}=${shown[name] ?? ''}`);
  const agent = await openAgentOf(config);
  const embedder = openEmbeddersOf(config).configured;
  const probed = await withStore(config, (store) => store.probe());
  if (!probed.ok) throw new UsageError(`the store at ${shown.store} does not answer`);
  lines.push(`agent: ${agent?.label ?? 'none'}`, `embedder: ${embedder?.label ?? 'none'}`);
  lines.push(`store: answers`);
  lines.push(...warnings.map((warning) => `warning: ${warning}`));
  lines.push(...insecureModes(config).map((mode) => `insecure: ${mode}`));
  process.stdout.write(`${lines.join('\n')}\n`);
}
