import { flagOf, type SettingName, settingOf } from '../config.ts';
import { SETTING_GROUPS } from '../settings/table.ts';
import { COMMANDS, type CommandName } from './commands.ts';

const INDENT = 34;

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
  const { about, flags } = COMMANDS[name];
  return [
    `colloquy ${name} [SETTINGS]`,
    '',
    about,
    '',
    ...flags.map(([flag, what]) => row(flag, what)),
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

function settingRow(name: SettingName): string {
  const { about } = settingOf(name);
  return row(flagOf(name), `${about} (${fallbackOf(name)})`);
}

function row(left: string, right: string): string {
  return `  ${left.padEnd(INDENT)}${right}`;
}
