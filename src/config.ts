import { parseArgs } from 'node:util';
import { err, ok, type Result } from './domain/result.ts';
import { contradictionsOfTools } from './settings/contradictions-of-tools.ts';
import type { Setting } from './settings/kinds.ts';
import { SETTINGS } from './settings/table.ts';

type Settings = typeof SETTINGS;
export type SettingName = keyof Settings;
/** Every setting, checked. */
export type Config = {
  readonly [N in SettingName]: Settings[N] extends Setting<infer T> ? T : never;
};

export interface LoadedConfig {
  readonly config: Config;
  /** What is strange but harmless, a line each. */
  readonly warnings: readonly string[];
}

/** Why there is no config: every mistake at once. */
export interface ConfigError {
  readonly mistakes: readonly string[];
  readonly message: string;
}

export interface ConfigSources {
  readonly flags: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The text of a file, undefined when there is none. */
  readonly readFile: (path: string) => Record<string, string | undefined> | undefined;
}

const PREFIX = 'COLLOQUY_';

/** Flags win over the environment, that over the file, that over the defaults. An empty value is none. */
export function readConfig({
  flags,
  env,
  readFile,
}: ConfigSources): Result<LoadedConfig, ConfigError> {
  const mistakes: string[] = [];
  const flagged = readFlags(flags, mistakes);
  const inFile = fileOf(flagged, env, readFile);
  const values: Record<string, unknown> = {};
  for (const name of SETTING_NAMES) {
    const found = find(name, { flagged, env, inFile });
    const read =
      found === undefined ? ok(SETTINGS[name].fallback) : SETTINGS[name].read(found.text);
    if (read.ok) values[name] = read.value;
    else mistakes.push(`${found?.from}${quoted(name, found?.text)} ${read.failure}`);
  }
  if (mistakes.length === 0) mistakes.push(...contradictions(values as Config));
  if (mistakes.length > 0) return err(configError(mistakes));
  const warnings = [...unknownNames(env), ...unknownNames(inFile)];
  return ok({ config: Object.freeze(values as Config), warnings });
}

export const SETTING_NAMES = Object.keys(SETTINGS) as readonly SettingName[];

export function settingOf(name: SettingName): Setting<unknown> {
  return SETTINGS[name];
}

/** `COLLOQUY_MAX_FRAME_BYTES` */
export function envNameOf(name: SettingName): string {
  return PREFIX + words(name).join('_').toUpperCase();
}

/** `--max-frame-bytes` */
export function flagOf(name: SettingName): string {
  return `--${words(name).join('-')}`;
}

/** The settings as they may be shown to anybody who runs the server: secrets are not in it. */
export function printable(config: Config): Readonly<Record<SettingName, unknown>> {
  const shown = SETTING_NAMES.map((name) => {
    const value = config[name];
    if (value === undefined) return [name, value];
    if (SETTINGS[name].isSecret) return [name, '[set]'];
    return [name, typeof value === 'string' ? withoutPassword(value) : value];
  });
  return Object.fromEntries(shown) as Record<SettingName, unknown>;
}

/** What must not be written anywhere: the secrets, and the passwords in addresses of databases as they are and as they are sent. */
export function secretsOf(config: Config): readonly string[] {
  const secrets = SETTING_NAMES.filter((name) => SETTINGS[name].isSecret).map(
    (name) => config[name],
  );
  const passwords = [config.store, config.queryDatabase].flatMap((address = '') => {
    const [, password = ''] = /\/\/[^:@]*:(\S*)@/.exec(address) ?? [];
    return [password, unescaped(password)];
  });
  return [...secrets, ...passwords].filter(
    (secret) => typeof secret === 'string' && secret !== '',
  ) as readonly string[];
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * Without what stands before the host in a URL, and without passwords among its parameters; also where the slashes
 * of Postgres' are forgotten.
 */
export function withoutPassword(text: string): string {
  return text
    .replace(/\/\/\S*@/, '//[set]@')
    .replace(/\b(postgres(?:ql)?:\/?)(?!\/)\S*@/i, '$1[set]@')
    .replace(/([?&]\w*password=)[^&\s]*/gi, '$1[set]');
}

interface Found {
  readonly text: string;
  readonly from: string;
}

type Texts = Readonly<Record<string, string | undefined>>;

function find(
  name: SettingName,
  sources: { flagged: Texts; env: Texts; inFile: Texts },
): Found | undefined {
  const { flagged, env, inFile } = sources;
  const flag = flagged[name];
  if (flag !== undefined) return { text: flag, from: flagOf(name) };
  const envName = envNameOf(name);
  const names = SETTINGS[name].hasPlainName ? [envName, envName.slice(PREFIX.length)] : [envName];
  for (const source of [env, inFile]) {
    for (const from of names) {
      const text = source[from];
      if (text !== undefined && text.trim() !== '') return { text, from };
    }
  }
  return undefined;
}

function fileOf(flagged: Texts, env: Texts, readFile: ConfigSources['readFile']): Texts {
  const path =
    find('settingsFile', { flagged, env, inFile: {} })?.text ?? SETTINGS.settingsFile.fallback;
  return (path === 'none' ? undefined : readFile(path)) ?? {};
}

function readFlags(args: readonly string[], mistakes: string[]): Texts {
  const byFlag = new Map(SETTING_NAMES.map((name) => [flagOf(name).slice(2), name]));
  const options = Object.fromEntries(
    [...byFlag.keys()].map((flag) => [flag, { type: 'string' as const }]),
  );
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true });
  const found: Record<string, string> = {};
  // What stands behind a flag that is unknown was meant for it.
  let skipped: number | undefined;
  for (const token of tokens) {
    if (token.kind === 'positional' && token.index !== skipped) {
      mistakes.push(`\`${withoutPassword(token.value)}\` is not expected here`);
    }
    if (token.kind !== 'option') continue;
    const name = byFlag.get(token.name);
    if (name === undefined) {
      if (token.value === undefined) skipped = token.index + 1;
      mistakes.push(
        `${token.rawName} is not a setting${suggestion(token.rawName, SETTING_NAMES.map(flagOf))}`,
      );
    } else if (token.value === undefined) {
      mistakes.push(`${token.rawName} needs a value: ${SETTINGS[name].shape}`);
    } else {
      found[name] = token.value;
    }
  }
  return found;
}

/** Settings that are right by themselves, and make no sense together. */
function contradictions(config: Config): string[] {
  const found: string[] = [];
  const { agent, openaiApiKey, openaiBaseUrl, model, awsRegion } = config;
  const isBedrock = model?.startsWith('bedrock:') === true;
  const isModel = agent === 'openai' || (agent === 'auto' && openaiBaseUrl !== undefined);
  if (agent === 'openai' && isBedrock) {
    found.push('COLLOQUY_AGENT=openai cannot have a COLLOQUY_MODEL of `bedrock:`');
  }
  if (agent === 'bedrock' && !isBedrock) {
    found.push('COLLOQUY_AGENT=bedrock needs a COLLOQUY_MODEL of `bedrock:`');
  }
  if ((agent === 'auto' || agent === 'bedrock') && isBedrock && awsRegion === undefined) {
    found.push('a COLLOQUY_MODEL of `bedrock:` needs COLLOQUY_AWS_REGION, or AWS_REGION');
  }
  if (agent === 'openai' && openaiApiKey === undefined && openaiBaseUrl === undefined) {
    found.push('COLLOQUY_AGENT=openai needs COLLOQUY_OPENAI_API_KEY, or COLLOQUY_OPENAI_BASE_URL');
  }
  if (isModel && openaiBaseUrl !== undefined && model === undefined) {
    found.push('COLLOQUY_OPENAI_BASE_URL needs COLLOQUY_MODEL: a model that is there');
  }
  found.push(...contradictionsOfEmbedder(config), ...contradictionsOfTools(config));
  for (const limit of ['maxFrameBytes', 'maxBodyBytes'] as const) {
    if (config.maxMessageChars > config[limit]) {
      found.push(`${envNameOf('maxMessageChars')} is more than ${envNameOf(limit)} lets through`);
    }
  }
  return found;
}

function contradictionsOfEmbedder(config: Config): string[] {
  const { embedder, embeddingBaseUrl, embeddingApiKey, openaiApiKey, openaiBaseUrl } = config;
  if (embedder !== 'openai') return [];
  const baseUrl = embeddingBaseUrl ?? openaiBaseUrl;
  if (baseUrl === undefined && embeddingApiKey === undefined && openaiApiKey === undefined)
    return ['COLLOQUY_EMBEDDER=openai needs COLLOQUY_EMBEDDING_API_KEY, or an endpoint'];
  if (baseUrl !== undefined && config.embeddingModel === undefined)
    return ['COLLOQUY_EMBEDDER=openai needs COLLOQUY_EMBEDDING_MODEL: a model that is there'];
  return [];
}

function unknownNames(env: Texts): string[] {
  const known = SETTING_NAMES.map(envNameOf);
  return Object.keys(env)
    .filter((name) => name.startsWith(PREFIX) && !known.includes(name))
    .map((name) => `${name} is not a setting${suggestion(name, known)}`);
}

function suggestion(name: string, known: readonly string[]): string {
  const plain = (text: string) => text.toLowerCase().replace(/[^a-z]/g, '');
  const near = known.find(
    (other) => plain(other) === plain(name) || distance(plain(other), plain(name)) <= 2,
  );
  return near === undefined ? '' : `; did you mean ${near}?`;
}

/** Levenshtein's, by rows. Names are short. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 0; i < a.length; i += 1) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j += 1) {
      const replaced = (row[j] ?? 0) + (a[i] === b[j] ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

function configError(mistakes: readonly string[]): ConfigError {
  const lines = mistakes.map((mistake) => `  ${mistake}`).join('\n');
  const count = mistakes.length === 1 ? 'a mistake' : `${mistakes.length} mistakes`;
  return { mistakes, message: `${count} in the settings:\n${lines}` };
}

function quoted(name: SettingName, text: string | undefined): string {
  if (SETTINGS[name].isSecret || text === undefined) return '';
  const shown = withoutPassword(text);
  return `=${shown.length > 80 ? `${shown.slice(0, 80)}…` : shown}`;
}

function words(name: string): string[] {
  return name.split(/(?=[A-Z])/).map((word) => word.toLowerCase());
}
