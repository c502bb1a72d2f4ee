import { VERSION } from '../version.ts';
import { COMMANDS, type CommandName } from './commands.ts';
import { overview, usageOf } from './help.ts';
import { UsageError } from './usage-error.ts';

/** Errors whose message is all that the person needs. */
const PLAIN = new Set([
  'UsageError',
  'StartError',
  'OpenError',
  'AgentOptionsError',
  'EmbedderOptionsError',
]);

async function main(args: readonly string[]): Promise<void> {
  const [first = 'serve', ...others] = args;
  if (first === '--help' || first === '-h' || first === 'help') return print(overview());
  if (first === '--version' || first === '-v') return print(VERSION);
  const isFlag = first.startsWith('-');
  const name = isFlag ? 'serve' : first;
  const rest = isFlag ? args : others;
  if (!isCommand(name)) throw new UsageError(`there is no command \`${name}\`; see --help`);
  if (rest.includes('--help') || rest.includes('-h')) return print(usageOf(name));
  await COMMANDS[name].run(rest);
}

function isCommand(name: string): name is CommandName {
  return Object.hasOwn(COMMANDS, name);
}

function print(text: string): void {
  process.stdout.write(`${text.trimEnd()}\n`);
}

try {
  await main(process.argv.slice(2));
  // Timers and sockets of libraries must not keep alive what is done.
  process.exit(0);
} catch (error) {
  const isPlain = error instanceof Error && PLAIN.has(error.name);
  const text = error instanceof Error ? (isPlain ? error.message : error.stack) : String(error);
  process.stderr.write(`colloquy: ${text}\n`, () => process.exit(1));
}
