import { describe, expect, it } from 'vitest';
import { type ConfigSources, printable, readConfig, secretsOf } from '../../src/config.ts';

function read(sources: Partial<ConfigSources> = {}) {
  return readConfig({ flags: [], env: {}, readFile: () => undefined, ...sources });
}

function configOf(sources: Partial<ConfigSources> = {}) {
  const loaded = read(sources);
  if (!loaded.ok) throw new Error(loaded.failure.message);
  return loaded.value.config;
}

function mistakesIn(sources: Partial<ConfigSources>): readonly string[] {
  const loaded = read(sources);
  return loaded.ok ? [] : loaded.failure.mistakes;
}

describe('the settings', () => {
  it('are the documented defaults when nothing is said', () => {
    expect(configOf()).toMatchObject({
      host: '127.0.0.1',
      port: 8080,
      store: 'sqlite:./data/colloquy.db',
      sqliteSynchronous: 'FULL',
      mailboxCapacity: 1024,
      maxFrameBytes: 65_536,
      maxMessageChars: 10_000,
      maxConversationsPerConnection: 64,
      maxParticipants: 1000,
      guests: true,
      agent: 'auto',
      openaiApiKey: undefined,
    });
  });

  it('are frozen', () => {
    expect(Object.isFrozen(configOf())).toBe(true);
  });

  it('come from flags, then the environment, then the file, then the default', () => {
    const env = { COLLOQUY_PORT: '2', COLLOQUY_HOST: 'env', COLLOQUY_DRAIN_MS: '' };
    const inFile = { COLLOQUY_PORT: '3', COLLOQUY_HOST: 'file', COLLOQUY_DRAIN_MS: '7' };
    const config = configOf({ flags: ['--port', '1'], env, readFile: () => inFile });
    expect(config).toMatchObject({ port: 1, host: 'env', drainMs: 7, idleMs: 60_000 });
  });

  it('take the file that is named, and none for `none`', () => {
    const asked: string[] = [];
    const readFile = (path: string) => {
      asked.push(path);
      return undefined;
    };
    read({ readFile });
    read({ readFile, env: { COLLOQUY_SETTINGS_FILE: 'a.env' } });
    read({ readFile, flags: ['--settings-file=b.env'] });
    read({ readFile, flags: ['--settings-file', 'none'] });
    expect(asked).toEqual(['.env', 'a.env', 'b.env']);
  });

  it.each([
    ['0', 0],
    ['0d', 0],
    ['250ms', 250],
    ['90s', 90_000],
    ['5 m', 300_000],
    ['12h', 43_200_000],
    ['30d', 2_592_000_000],
    ['36500d', 3_153_600_000_000],
  ])('take the length of time %s', (text, ms) => {
    expect(configOf({ flags: ['--retention-age', text] }).retentionAge).toBe(ms);
  });

  it('take flags with a space and with an equals sign, and bytes with a unit', () => {
    const config = configOf({
      flags: ['--port=9000', '--cache-bytes', '2MiB', '--guests', 'false'],
    });
    expect(config).toMatchObject({ port: 9000, cacheBytes: 2_097_152, guests: false });
  });

  it('take the plain names of the key and the endpoint, and prefer their own', () => {
    const plain = { OPENAI_API_KEY: 'plain', OPENAI_BASE_URL: 'http://a/v1', COLLOQUY_MODEL: 'm' };
    expect(configOf({ env: plain })).toMatchObject({
      openaiApiKey: 'plain',
      openaiBaseUrl: 'http://a/v1',
    });
    const both = { ...plain, COLLOQUY_OPENAI_API_KEY: 'own' };
    expect(configOf({ env: both }).openaiApiKey).toBe('own');
    // No other setting has a plain name.
    expect(configOf({ env: { PORT: '1', AGENT: 'none' } })).toMatchObject({
      port: 8080,
      agent: 'auto',
    });
  });

  it('name every mistake in one message, each with where it stands', () => {
    const loaded = read({
      flags: ['--prot', '1', '--max-frame-bytes', 'many', '--idle-ms', 'stray'],
      env: { COLLOQUY_STORE: 'mysql:x', COLLOQUY_GUESTS: 'perhaps', COLLOQUY_PORT: '70000' },
    });
    if (loaded.ok) return expect.unreachable();
    const { message, mistakes } = loaded.failure;
    expect(mistakes).toHaveLength(6);
    for (const part of [
      '--prot is not a setting; did you mean --port?',
      '--max-frame-bytes=many must be bytes',
      '--idle-ms=stray must be a whole number',
      'COLLOQUY_STORE=mysql:x must be sqlite:PATH, postgres://USER:PASSWORD@HOST:PORT/DATABASE or memory:',
      'COLLOQUY_GUESTS=perhaps must be true or false',
      'COLLOQUY_PORT=70000 must be a whole number, 0 to 65535',
    ]) {
      expect(message).toContain(part);
    }
  });

  it.each([
    [['--port'], '--port needs a value'],
    [['serve'], '`serve` is not expected here'],
    [['--port', '-1'], '--port=-1 must be'],
    [['--port', '1.5'], '--port=1.5 must be'],
    [['--port', '1e3'], '--port=1e3 must be'],
    [['--host', ' '], '--host=  must not be empty'],
    [['--log-level', 'verbose'], '--log-level=verbose must be one of debug, info'],
    [['--store', 'sqlite:'], '--store=sqlite: must be'],
    [['--cache-bytes', '1TB'], '--cache-bytes=1TB must be bytes'],
    [['--retention-age', '30'], '--retention-age=30 must be 0, or a number with ms, s, m, h or d'],
    [['--retention-age', '36501d'], '--retention-age=36501d must be'],
    [['--agent', 'openai'], 'needs COLLOQUY_OPENAI_API_KEY'],
    [['--openai-base-url', 'http://a/v1'], 'COLLOQUY_OPENAI_BASE_URL needs COLLOQUY_MODEL'],
    [['--max-message-chars', '70000'], 'COLLOQUY_MAX_MESSAGE_CHARS is more than'],
  ])('refuse %j', (flags, mistake) => {
    expect(mistakesIn({ flags }).join('\n')).toContain(mistake);
  });

  it('warn about COLLOQUY_ names that are no setting, and say which was meant', () => {
    const loaded = read({
      env: {
        COLLOQUY_PROT: '1',
        COLLOQUY_MAILBOXCAPACITY: '1',
        COLLOQUY_UNHEARD_OF: '1',
        OTHER: '1',
      },
    });
    if (!loaded.ok) return expect.unreachable();
    expect(loaded.value.warnings).toEqual([
      'COLLOQUY_PROT is not a setting; did you mean COLLOQUY_PORT?',
      'COLLOQUY_MAILBOXCAPACITY is not a setting; did you mean COLLOQUY_MAILBOX_CAPACITY?',
      'COLLOQUY_UNHEARD_OF is not a setting',
    ]);
  });

  it('are printed without secrets, and a mistake does not repeat one', () => {
    const env = { COLLOQUY_OPENAI_API_KEY: 'sk-very-secret' };
    expect(JSON.stringify(printable(configOf({ env })))).not.toContain('sk-very-secret');
    expect(printable(configOf({ env }))).toMatchObject({ openaiApiKey: '[set]', port: 8080 });
    const loaded = read({ env: { ...env, COLLOQUY_PORT: 'x' } });
    expect(JSON.stringify(loaded)).not.toContain('sk-very-secret');
  });

  it.for([
    'postgres://ann:hush@db/x',
    'postgres://ann:a@b/hush@db/x',
    'postgres://db/x?password=hush',
  ])('are printed without the password of the store: %s', (store) => {
    const { store: shown } = printable(configOf({ env: { COLLOQUY_STORE: store } }));
    expect(shown).toMatch(/^postgres:\/\/.*db\/x/);
    expect(shown).not.toContain('hush');
    expect(mistakesIn({ env: { COLLOQUY_STORE: `x${store}` } }).join()).not.toContain('hush');
  });

  it.for(['postgres://ann:hush@db/x', 'postgres:/ann:hush@db/x', 'postgresql:ann:hush@db/x'])(
    'are not repeated with a password where they are not expected, or miswritten: %s',
    (store) => {
      expect(mistakesIn({ flags: [store] }).join()).toMatch(/@db\/x` is not expected here$/);
      expect(mistakesIn({ flags: [store] }).join()).not.toContain('hush');
      const [mistake = ''] = mistakesIn({ env: { COLLOQUY_STORE: store.replace('://', ':/') } });
      expect(mistake).toContain('@db/x must be');
      expect(mistake).not.toContain('hush');
    },
  );

  it('know what must not be logged: the password of the store as it is written, and as it is', () => {
    const env = { COLLOQUY_STORE: 'postgres://ann:a%40b@db/x', COLLOQUY_OPENAI_API_KEY: 'sk-one' };
    expect(secretsOf(configOf({ env }))).toEqual(['sk-one', 'a%40b', 'a@b']);
  });
});
