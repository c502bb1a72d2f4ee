import { type ParseArgsConfig, parseArgs } from 'node:util';

/** What a program ends with whose flags nobody understands. */
const MISTAKE = 2;

/**
 * The flags that the program was given. `--help` prints the help and ends it; a flag that it does not have ends it
 * with one line and the help on stderr.
 */
export function flagsOf<const T extends NonNullable<ParseArgsConfig['options']>>(
  help: string,
  options: T,
) {
  if (process.argv.slice(2).some((arg) => arg === '--help' || arg === '-h')) {
    process.stdout.write(help);
    process.exit();
  }
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${help}`);
    process.exit(MISTAKE);
  }
}
