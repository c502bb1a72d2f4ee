// What the scenarios are called, their figures, and what the server is started with. Read by k6 and by the runner.

/** The sizes and times of a run, each a variable of the environment of the same name. */
export interface Figures {
  /** Connections. */
  readonly PEOPLE: number;
  /** Connections of one participant. */
  readonly DEVICES: number;
  /** Connections in one conversation. */
  readonly PER_ROOM: number;
  /** Connections of one VU of k6. */
  readonly PER_VU: number;
  /** Sends a second, of all together. */
  readonly RATE: number;
  /** Seconds in which all connect. */
  readonly RAMP: number;
  /** Seconds of sending, after all have connected. */
  readonly DURATION: number;
  /** Seconds that what is under way gets to arrive when all was sent. */
  readonly SETTLE: number;
  /** Characters of a message. */
  readonly CHARS: number;
  /** Seconds between two storms, bursts or shifts; or after which an event stream is taken up again. 0: never. */
  readonly EVERY: number;
  /** Seconds in which what is dropped at once comes back. */
  readonly WITHIN: number;
  /** Milliseconds that 99 of 100 deliveries may take at most. */
  readonly P99_MS: number;
  /** Those who read slowly, besides PEOPLE; how long each takes over a message, milliseconds. */
  readonly SLOW: number;
  readonly SLOW_MS: number;
  /** Turns of the agent, and tokens of each, and tokens a second. */
  readonly TURNS: number;
  readonly TOKENS: number;
  readonly TOKENS_PER_SECOND: number;
  /** Messages of one burst of the flood. */
  readonly BURST: number;
  /** Event streams that the runner follows beside k6, which has none. */
  readonly STREAMS: number;
}

type Changes = Partial<Figures>;

export interface Scenario {
  readonly about: string;
  readonly full: Changes;
  /** In about a minute, for CI, beside others on a shared machine: its P99_MS is SHORT_P99_MS unless it says so. */
  readonly short: Changes;
  /** Flags of the server. */
  readonly server: readonly string[];
  /** The server's memory and handles may not grow. */
  readonly isSoak?: boolean;
}

const DEFAULTS: Figures = {
  PEOPLE: 100,
  DEVICES: 1,
  PER_ROOM: 10,
  PER_VU: 50,
  RATE: 10,
  RAMP: 5,
  DURATION: 300,
  SETTLE: 15,
  CHARS: 128,
  EVERY: 0,
  WITHIN: 0,
  P99_MS: 200,
  SLOW: 0,
  SLOW_MS: 0,
  TURNS: 0,
  TOKENS: 40,
  TOKENS_PER_SECOND: 50,
  BURST: 0,
  STREAMS: 0,
};

/** The short forms find what is broken; how fast it is, a machine of its own says. */
const SHORT_P99_MS = 500;
const NO_AGENT = ['--agent', 'none'];

export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  baseline: {
    about: '100 people in rooms of 10, 10 sends a second, 5 minutes',
    full: {},
    short: { DURATION: 45 },
    server: NO_AGENT,
  },
  peak: {
    about: '1,000 connections, 100 sends a second, 15 minutes; 99 of 100 within 20 ms',
    full: { PEOPLE: 1_000, RATE: 100, RAMP: 20, DURATION: 900, P99_MS: 20 },
    short: { RAMP: 10, DURATION: 35 },
    server: NO_AGENT,
  },
  sustained: {
    about: '500 connections, 50 sends a second, an hour',
    full: { PEOPLE: 500, RATE: 50, RAMP: 10, DURATION: 3_600 },
    short: { RAMP: 5, DURATION: 40 },
    server: NO_AGENT,
  },
  spike: {
    about: '0 to 2,000 connections in 30 seconds, held for 5 minutes, dropped at once',
    full: { PEOPLE: 2_000, RATE: 100, RAMP: 30, DURATION: 300 },
    short: { RAMP: 15, DURATION: 25 },
    server: NO_AGENT,
  },
  'connection-storm': {
    about: '1,000 connections within a second, again and again, for 5 minutes',
    full: { PEOPLE: 1_000, RATE: 0, RAMP: 1, DURATION: 300, EVERY: 15, WITHIN: 1, P99_MS: 2_000 },
    short: { DURATION: 40, EVERY: 10, P99_MS: 2_000 },
    server: NO_AGENT,
  },
  'reconnect-storm': {
    about:
      '1,000 of 2,000 lose their connection at once while 200 messages a second are sent, and resume',
    full: { PEOPLE: 2_000, RATE: 200, RAMP: 20, DURATION: 300, EVERY: 20, WITHIN: 1 },
    short: { PEOPLE: 1_000, RATE: 100, RAMP: 10, DURATION: 35, EVERY: 10 },
    server: NO_AGENT,
  },
  'big-room': {
    about: 'one conversation with 1,000 listeners, of 100 people, 5 sends a second, 5 minutes',
    full: { PEOPLE: 1_000, DEVICES: 10, PER_ROOM: 1_000, RATE: 5, RAMP: 20, DURATION: 300 },
    short: { RAMP: 15, DURATION: 30, RATE: 3 },
    server: [...NO_AGENT, '--max-participants', '10000'],
  },
  'small-rooms': {
    about: '1,000 conversations of 2, 200 sends a second, 5 minutes',
    full: { PEOPLE: 2_000, PER_ROOM: 2, RATE: 200, RAMP: 30, DURATION: 300 },
    short: { RAMP: 15, DURATION: 30 },
    server: NO_AGENT,
  },
  'slow-readers': {
    about: '10 that hardly read among 40 that do, in one conversation, 20 large messages a second',
    full: {
      PEOPLE: 40,
      PER_ROOM: 40,
      RATE: 20,
      DURATION: 300,
      CHARS: 8_000,
      SLOW: 10,
      SLOW_MS: 2_000,
    },
    short: { DURATION: 45, RATE: 40, SLOW: 5 },
    server: [...NO_AGENT, '--outbound-bytes', '65536', '--slow-consumer-ms', '5000'],
  },
  flood: {
    about:
      'bursts of eighty times what a mailbox holds, refused with 429, and the recovery from them',
    full: { PEOPLE: 20, PER_ROOM: 20, RATE: 50, DURATION: 120, BURST: 1_280, EVERY: 15 },
    short: { DURATION: 40, EVERY: 10 },
    // Small: a server with nothing beside it commits faster than one k6 fills a large one.
    server: [...NO_AGENT, '--mailbox-capacity', '16'],
  },
  agent: {
    about:
      '1,000 turns at once of the scripted agent, 200 tokens each at 50 a second; 5,000 in all',
    full: {
      PEOPLE: 1_000,
      PER_ROOM: 1,
      RATE: 0,
      RAMP: 20,
      TURNS: 5_000,
      TOKENS: 200,
      DURATION: 60,
    },
    short: { PEOPLE: 250, RAMP: 5, TURNS: 1_000, TOKENS: 100, DURATION: 20 },
    server: ['--agent', 'scripted'],
  },
  rest: {
    about: 'REST calls of every kind, with event streams that follow, for 5 minutes',
    full: { PEOPLE: 20, PER_ROOM: 1, PER_VU: 1, RATE: 50, EVERY: 20, DURATION: 300, STREAMS: 50 },
    short: { DURATION: 45, EVERY: 10, STREAMS: 20 },
    server: NO_AGENT,
  },
  soak: {
    about:
      'people and conversations that come and go for 30 minutes; memory and handles must not grow',
    full: { PEOPLE: 200, PER_ROOM: 50, RATE: 50, RAMP: 10, DURATION: 1_800, EVERY: 10, WITHIN: 5 },
    short: { PEOPLE: 100, RATE: 50, RAMP: 5, DURATION: 115 },
    server: [...NO_AGENT, '--cache-bytes', '262144', '--idle-ms', '5000'],
    isSoak: true,
  },
};

/** The most that a figure may be: a run ends, whatever is asked for. */
const MOST: Changes = { DURATION: 14_400, RAMP: 3_600, PEOPLE: 50_000, RATE: 100_000, TURNS: 1e6 };

/** Those that may not be 0. */
const POSITIVE = ['PEOPLE', 'DEVICES', 'PER_ROOM', 'PER_VU', 'RAMP', 'DURATION', 'P99_MS'];

type Environment = Readonly<Record<string, string | undefined>>;

/** The figures of a run; a string is what is wrong with what was asked for. */
export function figuresOf(name: string, env: Environment): Figures | string {
  const scenario = SCENARIOS[name];
  if (scenario === undefined) return `no scenario is called '${name}'`;
  const short = isShort(env) ? { P99_MS: SHORT_P99_MS, ...scenario.short } : {};
  const figures: Record<string, number> = { ...DEFAULTS, ...scenario.full, ...short };
  for (const figure of Object.keys(DEFAULTS)) {
    const given = env[figure];
    if (given === undefined || given === '') continue;
    const value = Number(given);
    const least = POSITIVE.indexOf(figure) >= 0 ? 1 : 0;
    const most = MOST[figure as keyof Figures] ?? 1e6;
    if (!(value >= least && value <= most)) {
      return `${figure}=${given} is not a number from ${least} to ${most}`;
    }
    figures[figure] = value;
  }
  return figures as unknown as Figures;
}

export function isShort(env: Environment): boolean {
  return env['PERF_SHORT'] === '1';
}

/** Seconds that a run takes at most. */
export function secondsOf({ RAMP, DURATION, SETTLE }: Figures): number {
  return 2 + RAMP + DURATION + SETTLE + 10;
}

/** Figures that CI and people may set, for the help. */
export const FIGURE_NAMES = Object.keys(DEFAULTS);
