import { backup } from './backup.ts';
import { checkSettings } from './check.ts';
import { exportData } from './export.ts';
import { importData } from './import.ts';
import { migrate } from './migrate.ts';
import { loadSettings } from './settings.ts';
import { signToken } from './token.ts';

export interface Command {
  readonly about: string;
  /** What it takes without a flag, before the settings. */
  readonly operands?: string;
  /** What to know before it is used, a paragraph each. */
  readonly notes?: readonly string[];
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
      [
        '--admin',
        'It may look at and steer the server itself (`/v1/admin/…`), too; it gives no rights in conversations.',
      ],
    ],
    run: signToken,
  },
  migrate: {
    about: 'Brings the store to this version, and ends. `serve` does it by itself.',
    flags: [
      [
        '--check',
        'Only says which schema the store has and which this program knows, and changes nothing. Ends with 0 when they are the same, with 1 when the store is older or newer.',
      ],
    ],
    run: migrate,
  },
  backup: {
    about: 'Copies the SQLite store into a new file, while a server runs on it or not.',
    operands: 'FILE',
    notes: [
      'The copy is the store as it is when the command begins, read once to the end to see that it is whole. FILE appears when it is complete; it must not be there before. To restore it, stop the server, move the old file away together with its -wal and -shm, and put the copy in its place.',
      'While it runs, the write-ahead log of the store grows by what is written. For Postgres, use pg_dump.',
    ],
    flags: [],
    run: backup,
  },
  export: {
    about: 'Writes conversations, events, turns and documents as NDJSON, from any store.',
    operands: '[FILE]',
    notes: [
      'To stdout when FILE is not given or `-`. FILE appears when it is complete; it must not be there before. Vectors are not in it: they are made anew. Nor are the secret that tokens are signed with, and the idempotency keys of trimmed events.',
      'A SQLite store that a server runs on is exported from a copy: `colloquy backup copy.db`, then `colloquy export --store sqlite:copy.db`. Of Postgres, what servers write meanwhile may be in it or not; stop them for an exact one.',
    ],
    flags: [],
    run: exportData,
  },
  import: {
    about: 'Reads what `export` wrote into a store that is empty.',
    operands: '[FILE]',
    notes: [
      'From stdin when FILE is not given or `-`. Every line is checked. When it ends early, what was read until then is in the store: delete the store and begin again.',
    ],
    flags: [],
    run: importData,
  },
} as const satisfies Readonly<Record<string, Command>>;

export type CommandName = keyof typeof COMMANDS;
