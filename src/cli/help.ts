import { flagOf, type SettingName, settingOf } from '../config.ts';
import { SETTING_GROUPS } from '../settings/table.ts';
import { COMMANDS, type Command, type CommandName } from './commands.ts';

/** Columns of a terminal that help is made for, and of what stands at the left. */
const WIDTH = 96;
const LEFT = 18;

export function overview(): string {
  const rows = Object.entries(COMMANDS).map(([name, { about }]) => row(name, about));
  return [
    'colloquy [COMMAND] [SETTINGS]',
    '',
    ...rows,
    '',
    row('--help', 'This; after a command, what it takes.'),
    row('--version', 'Which version this is.'),
    '',
    'Settings are flags or COLLOQUY_ variables; `colloquy serve --help` lists them.',
  ].join('\n');
}

export function usageOf(name: CommandName): string {
  const { about, operands, notes = [], flags }: Command = COMMANDS[name];
  return [
    ['colloquy', name, ...(operands === undefined ? [] : [operands]), '[SETTINGS]'].join(' '),
    '',
    about,
    ...notes.flatMap((note) => ['', ...wrapped(note, WIDTH)]),
    ...(flags.length === 0 ? [] : ['', ...flags.map(([flag, what]) => row(flag, what))]),
    ...Object.entries(SETTING_GROUPS).flatMap(([group, settings]) => [
      '',
      `${group}:`,
      ...Object.keys(settings).map((setting) => settingRow(setting as SettingName)),
    ]),
    '',
    'Each is a variable, too: --max-frame-bytes is COLLOQUY_MAX_FRAME_BYTES. Flags win.',
  ].join('\n');
}

/** What holds when a setting is not given, in words. */
export function fallbackOf(name: SettingName): string {
  const { fallback, otherwise } = settingOf(name);
  return otherwise ?? String(fallback);
}

/** The flag on a line of its own: some are long. */
function settingRow(name: SettingName): string {
  const { about } = settingOf(name);
  return `  ${flagOf(name)} (${fallbackOf(name)})\n${row('', about)}`;
}

function row(left: string, right: string): string {
  const lines = wrapped(right, WIDTH - LEFT);
  const [first = '', ...others] = lines;
  const indent = ' '.repeat(LEFT);
  return [`  ${left.padEnd(LEFT - 2)}${first}`, ...others.map((line) => indent + line)].join('\n');
}

function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}
