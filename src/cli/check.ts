import { type Config, envNameOf, printable, SETTING_NAMES } from '../config.ts';
import { openAgentsOf } from '../open-agents.ts';
import { openEmbeddersOf } from '../open-embedder.ts';
import { openToolsOf } from '../open-tools.ts';
import { Breakers } from '../provider/breakers.ts';
import { insecureModes } from './insecure-modes.ts';
import { loadSettings } from './settings.ts';
import { UsageError } from './usage-error.ts';
import { withStore } from './with-store.ts';

/** Says what the server would run with, and whether it could: the settings, the agents, the embedder, the store. */
export async function checkSettings(args: readonly string[]): Promise<void> {
  const { config, warnings } = loadSettings(args);
  const shown = printable(config);
  const lines = SETTING_NAMES.map((name) => `${envNameOf(name)}=${shown[name] ?? ''}`);
  const agents = await agentsOf(config);
  const embedder = openEmbeddersOf(config).configured;
  const probed = await withStore(config, (store) => store.probe());
  if (!probed.ok) throw new UsageError(`the store at ${shown.store} does not answer`);
  lines.push(...agents, `embedder: ${embedder?.label ?? 'none'}`, `store: answers`);
  lines.push(...warnings.map((warning) => `warning: ${warning}`));
  lines.push(...insecureModes(config).map((mode) => `insecure: ${mode}`));
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** A line for each agent. Nothing is asked of models, databases and servers of tools. */
async function agentsOf(config: Config): Promise<readonly string[]> {
  const breakers = new Breakers();
  const nobody = () => {
    throw new Error('a check runs no tool');
  };
  const report = () => {};
  const ports = {
    searchDocuments: nobody,
    searchConversation: nobody,
    onRan: () => {},
    now: Date.now,
    report,
  };
  const toolbox = await openToolsOf(config, { ports, breakers });
  try {
    const { env } = process;
    const opened = await openAgentsOf({ config, breakers, toolbox, report, env });
    if (opened.length === 0) return ['agent: none'];
    return opened.map(({ agent, settings }) => `agent: ${settings.id}: ${agent.label}`);
  } finally {
    await toolbox.close();
  }
}
