import { checkSettings } from './check.ts';
import { migrate } from './migrate.ts';
import { loadSettings } from './settings.ts';
import { signToken } from './token.ts';

interface Command {
  readonly about: string;
  /** What it takes besides the settings. */
  readonly flags: readonly (readonly [flag: string, about: string])[];
  readonly run: (args: readonly string[]) => Promise<void>;
}

/** The commands of `colloquy`, one row each. The server's own code is loaded when it is asked for. */
export const COMMANDS = {
  serve: {
    about: 'Runs the server. What `colloquy` does when no command is given.',
    flags: [],
    run: async (args) => {
      const settings = loadSettings(args);
      const { serve } = await import('../main.ts');
      await serve(settings);
    },
  },
  check: {
    about: 'Prints the settings, opens the store and asks it for a sign of life.',
    flags: [],
    run: checkSettings,
  },
  token: {
    about: 'Prints a token for a participant, signed with the secret of the store.',
    flags: [
      ['--id ID', 'Who it is for: 1 to 128 of A-Z a-z 0-9 . _ ~ : -'],
      ['--name NAME', 'What they are called.'],
      ['--days DAYS', 'Days it is good for; 30 when not said.'],
    ],
    run: signToken,
  },
  migrate: {
    about: 'Brings the store to this version, and ends. `serve` does it by itself.',
    flags: [],
    run: migrate,
  },
} as const satisfies Readonly<Record<string, Command>>;

export type CommandName = keyof typeof COMMANDS;
