import { withoutPassword } from '../config.ts';
import { UsageError } from './usage-error.ts';

interface Shape {
  /** Names of what stands there without a flag, for the message. */
  readonly operands: readonly string[];
  /** Flags of the command's own that take no value. */
  readonly switches?: readonly string[];
}

interface Split {
  readonly operands: readonly string[];
  readonly switches: ReadonlySet<string>;
  /** The flags of settings, each of which takes a value. */
  readonly settings: readonly string[];
}

/** Parts the words of a command from the settings. Throws `UsageError` when there is one word too many. */
export function splitArguments(args: readonly string[], shape: Shape): Split {
  const operands: string[] = [];
  const switches = new Set<string>();
  const settings: string[] = [];
  for (let at = 0; at < args.length; at += 1) {
    const arg = args[at] ?? '';
    if (shape.switches?.includes(arg)) switches.add(arg);
    else if (arg === '-' || !arg.startsWith('-')) operands.push(arg);
    else {
      settings.push(arg);
      const value = args[at + 1];
      if (arg.includes('=') || value === undefined) continue;
      settings.push(value);
      at += 1;
    }
  }
  const extra = operands[shape.operands.length];
  if (extra !== undefined)
    throw new UsageError(`\`${withoutPassword(extra)}\` is not expected here`);
  return { operands, switches, settings };
}
