import { fallbackOf } from '../../src/cli/help.ts';
import { envNameOf, flagOf, type SettingName, settingOf } from '../../src/config.ts';
import { SETTING_GROUPS } from '../../src/settings/table.ts';

/** The two pages that are made from the table of settings. `npm test -- tests/config -u` writes them anew. */

function groups(): ReadonlyArray<readonly [string, readonly SettingName[]]> {
  return Object.entries(SETTING_GROUPS).map(([group, settings]) => [
    group,
    Object.keys(settings) as SettingName[],
  ]);
}

export function envExample(): string {
  const head = [
    '# Copy to `.env` and change what you need: every setting is here with its default.',
    '# The environment wins over this file, flags (`npm start -- --port 9000`) over both.',
    '# Made from src/settings/table.ts: `npm test -- tests/config -u` writes it anew.',
  ];
  const sections = groups().map(([group, names]) =>
    [`# ${group}`, ...names.map(exampleLines)].join('\n\n'),
  );
  return `${[head.join('\n'), ...sections].join('\n\n')}\n`;
}

function exampleLines(name: SettingName): string {
  const { about, fallback, otherwise } = settingOf(name);
  const value = fallback === undefined ? '' : String(fallback);
  const unset = otherwise === undefined ? '' : ` When not set: ${otherwise}.`;
  return `# ${about}${unset}\n#${envNameOf(name)}=${value}`;
}

export function configurationPage(): string {
  const sections = groups().flatMap(([group, names]) => [
    `## ${group}`,
    '',
    ...names.map(entry),
    '',
  ]);
  return [
    '# Configuration',
    '',
    '<!-- Made from src/settings/table.ts: `npm test -- tests/config -u` writes it anew. -->',
    '',
    'Settings are read once, at start, and checked together: a start with mistakes names all of them in one message',
    'and ends with code 1. Each is a variable of the environment and a flag: `COLLOQUY_PORT=9000` is',
    '`npm start -- --port 9000`, and `colloquy serve --port 9000`. Flags win over the environment, that over the file',
    '`.env` (see `.env.example`), that over the default; an empty value is none. A `COLLOQUY_` name that is no setting',
    'is warned about. `colloquy check` prints what holds, without secrets, and tries the store.',
    '',
    'At start the server says which modes are insecure: guests, listening beyond loopback without TLS, a store that',
    'forgets.',
    '',
    ...sections,
  ]
    .join('\n')
    .trimEnd()
    .concat('\n');
}

function entry(name: SettingName): string {
  const { about, shape, isSecret, otherwise } = settingOf(name);
  const fallback = otherwise ?? `\`${fallbackOf(name)}\``;
  const secret = isSecret ? ' Secret: never printed or logged.' : '';
  return `- \`${envNameOf(name)}\`, \`${flagOf(name)}\`: ${about}${secret} Default: ${fallback}. Values: ${shape}.`;
}
