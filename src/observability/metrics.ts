import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { BREAKER_STATES } from './breaker-reading.ts';
import type { Meters, Passages } from './meters.ts';

/** What the metrics are read from, when somebody scrapes. */
export interface MetricSources {
  readonly meters: Meters;
  readonly live: () => number;
  readonly mailboxDepth: () => number;
  readonly openTurns: () => number;
}

type Labels = Readonly<Record<string, string>>;
type Reading = number | ReadonlyArray<readonly [Labels, number]>;

interface Row {
  readonly name: string;
  readonly help: string;
  readonly kind: 'counter' | 'gauge';
  readonly labels?: readonly string[];
  readonly read: (from: MetricSources & { readonly lag: IntervalHistogram }) => Reading;
}

/** The numbers that operators look at, one row each. Labels come from this program, never from a client. */
const ROWS: readonly Row[] = [
  {
    name: 'connections',
    help: 'WebSockets and event streams that are open.',
    kind: 'gauge',
    read: ({ meters }) => meters.connections,
  },
  {
    name: 'live_conversations',
    help: 'Conversations in memory, each an actor.',
    kind: 'gauge',
    read: ({ live }) => live(),
  },
  {
    name: 'mailbox_depth',
    help: 'Drafts that wait in the mailboxes of all conversations.',
    kind: 'gauge',
    read: ({ mailboxDepth }) => mailboxDepth(),
  },
  {
    name: 'events_total',
    help: 'Events that were made durable.',
    kind: 'counter',
    read: ({ meters }) => meters.events,
  },
  {
    name: 'trimmed_events_total',
    help: 'Events that were trimmed because they were older, or more, than the settings keep.',
    kind: 'counter',
    read: ({ meters }) => meters.trimmed,
  },
  {
    name: 'deliveries_total',
    help: 'Events given to live subscriptions.',
    kind: 'counter',
    read: ({ meters }) => meters.deliveries,
  },
  {
    name: 'replayed_total',
    help: 'Events given to subscriptions that were behind.',
    kind: 'counter',
    read: ({ meters }) => meters.replayed,
  },
  {
    name: 'congested_subscriptions',
    help: 'Subscriptions with more unread bytes than their budget.',
    kind: 'gauge',
    read: ({ meters }) => meters.congested,
  },
  {
    name: 'refusals_total',
    help: 'Requests and frames that were refused, by reason.',
    kind: 'counter',
    labels: ['reason'],
    read: ({ meters }) => [...meters.refusals].map(([reason, count]) => [{ reason }, count]),
  },
  {
    name: 'turn_tokens_total',
    help: 'Tokens that answers and summaries took, by direction.',
    kind: 'counter',
    labels: ['direction'],
    read: ({ meters: { tokens } }) => [
      [{ direction: 'input' }, tokens.input],
      [{ direction: 'output' }, tokens.output],
    ],
  },
  {
    name: 'turn_cost_total',
    help: 'What answers and summaries cost, in the currency of the prices.',
    kind: 'counter',
    read: ({ meters }) => meters.tokens.cost,
  },
  {
    name: 'pipeline_total',
    help: 'Passages through the stages of the pipeline, by stage and outcome.',
    kind: 'counter',
    labels: ['stage', 'outcome'],
    read: ({ meters }) => passages(meters, ({ count }) => count),
  },
  {
    name: 'pipeline_seconds_total',
    help: 'Seconds that passages through the stages of the pipeline took, by stage and outcome.',
    kind: 'counter',
    labels: ['stage', 'outcome'],
    read: ({ meters }) => passages(meters, ({ ms }) => ms / 1000),
  },
  {
    name: 'open_turns',
    help: 'Turns of the agent that wait or run.',
    kind: 'gauge',
    read: ({ openTurns }) => openTurns(),
  },
  {
    name: 'turns_total',
    help: 'Turns of the agent that ended, by how.',
    kind: 'counter',
    labels: ['state'],
    read: ({ meters }) => [...meters.turns].map(([state, { count }]) => [{ state }, count]),
  },
  {
    name: 'turn_seconds_total',
    help: 'Seconds that ended turns took, by how they ended.',
    kind: 'counter',
    labels: ['state'],
    read: ({ meters }) => [...meters.turns].map(([state, { ms }]) => [{ state }, ms / 1000]),
  },
  {
    name: 'decisions_total',
    help: 'Decisions of people about tool calls that need approval, by what they decided.',
    kind: 'counter',
    labels: ['decision'],
    read: ({ meters }) =>
      Object.entries(meters.decisions).map(([decision, count]) => [{ decision }, count]),
  },
  {
    name: 'tool_calls_total',
    help: 'Calls of tools by the agent, by tool and how they ended: done, failed, late, cancelled, refused.',
    kind: 'counter',
    labels: ['tool', 'outcome'],
    read: ({ meters }) => toolCalls(meters, ({ count }) => count),
  },
  {
    name: 'tool_seconds_total',
    help: 'Seconds that calls of tools took, by tool and how they ended.',
    kind: 'counter',
    labels: ['tool', 'outcome'],
    read: ({ meters }) => toolCalls(meters, ({ ms }) => ms / 1000),
  },
  {
    name: 'cache_hits_total',
    help: 'Reads that the cache answered.',
    kind: 'counter',
    read: ({ meters }) => meters.cache()?.hits ?? 0,
  },
  {
    name: 'cache_misses_total',
    help: 'Reads that went to the store.',
    kind: 'counter',
    read: ({ meters }) => meters.cache()?.misses ?? 0,
  },
  {
    name: 'cache_evictions_total',
    help: 'Conversations that the cache let go of to make room.',
    kind: 'counter',
    read: ({ meters }) => meters.cache()?.evictions ?? 0,
  },
  {
    name: 'cache_bytes',
    help: 'Bytes in the cache.',
    kind: 'gauge',
    read: ({ meters }) => meters.cache()?.bytes ?? 0,
  },
  {
    name: 'cache_conversations',
    help: 'Conversations in the cache.',
    kind: 'gauge',
    read: ({ meters }) => meters.cache()?.conversations ?? 0,
  },
  {
    name: 'documents_stored_total',
    help: 'Documents that were stored.',
    kind: 'counter',
    read: ({ meters }) => meters.documentsStored,
  },
  {
    name: 'embedded_chunks_total',
    help: 'Chunks of documents that were given vectors.',
    kind: 'counter',
    read: ({ meters }) => meters.chunksEmbedded,
  },
  {
    name: 'embedding_backlog',
    help: 'Documents that wait for vectors, by the space of the vectors.',
    kind: 'gauge',
    labels: ['space'],
    read: ({ meters }) =>
      [...meters.embeddingBacklog()].map(([space, count]) => [{ space }, count]),
  },
  {
    name: 'document_searches_total',
    help: 'Searches in documents, by mode, and whether they had to do without vectors.',
    kind: 'counter',
    labels: ['mode', 'degraded'],
    read: ({ meters }) =>
      [...meters.documentSearches].map(([name, count]) => {
        const [mode = '', degraded] = name.split(' ');
        return [{ mode, degraded: String(degraded !== undefined) }, count];
      }),
  },
  {
    name: 'searches_total',
    help: 'Searches in conversations that were answered, by mode.',
    kind: 'counter',
    labels: ['mode'],
    read: ({ meters }) => [...meters.searches].map(([mode, { count }]) => [{ mode }, count]),
  },
  {
    name: 'searches_degraded_total',
    help: 'Searches in conversations that had to do without vectors, or without some of them.',
    kind: 'counter',
    labels: ['mode'],
    read: ({ meters }) => [...meters.searches].map(([mode, { degraded }]) => [{ mode }, degraded]),
  },
  {
    name: 'search_seconds_total',
    help: 'Seconds that searches in conversations took, by mode.',
    kind: 'counter',
    labels: ['mode'],
    read: ({ meters }) => [...meters.searches].map(([mode, { ms }]) => [{ mode }, ms / 1000]),
  },
  {
    name: 'breaker_state',
    help: 'Where a breaker stands: 0 closed, 1 half open, 2 open.',
    kind: 'gauge',
    labels: ['breaker'],
    read: ({ meters }) =>
      meters
        .breakers()
        .map(({ name: breaker, state }) => [{ breaker }, BREAKER_STATES.indexOf(state)]),
  },
  {
    name: 'breaker_calls_total',
    help: 'Calls through a breaker, by what came of them; a refused one was not made.',
    kind: 'counter',
    labels: ['breaker', 'outcome'],
    read: ({ meters }) =>
      meters
        .breakers()
        .flatMap(({ name: breaker, successes, failures, refused }) => [
          [{ breaker, outcome: 'success' }, successes] as const,
          [{ breaker, outcome: 'failure' }, failures] as const,
          [{ breaker, outcome: 'refused' }, refused] as const,
        ]),
  },
  {
    name: 'breaker_transitions_total',
    help: 'How often a breaker went into each state.',
    kind: 'counter',
    labels: ['breaker', 'to'],
    read: ({ meters }) =>
      meters
        .breakers()
        .flatMap(({ name: breaker, times }) =>
          BREAKER_STATES.map((to) => [{ breaker, to }, times[to]] as const),
        ),
  },
  {
    name: 'breaker_in_flight',
    help: 'Calls under way through a breaker.',
    kind: 'gauge',
    labels: ['breaker'],
    read: ({ meters }) =>
      meters.breakers().map(({ name: breaker, inFlight }) => [{ breaker }, inFlight]),
  },
  {
    name: 'event_loop_lag_seconds',
    help: 'How late the event loop was since the last scrape, by quantile.',
    kind: 'gauge',
    labels: ['quantile'],
    read: ({ lag }) => lagSince(lag),
  },
];

const PREFIX = 'colloquy_';
const BATCH_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];
const APPEND_BUCKETS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1, 5];
/** Milliseconds between two looks at the event loop; what a look itself takes is no lag. */
const LAG_RESOLUTION_MS = 20;
const NS_A_SECOND = 1e9;

/** The metrics of one server, as Prometheus reads them. */
export class MetricTable {
  readonly #registry = new Registry();

  constructor(sources: MetricSources) {
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    const lag = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });
    lag.enable();
    for (const row of ROWS) register(row, { ...sources, lag }, registers);
    const batches = new Histogram({
      name: `${PREFIX}batch_size`,
      help: 'Events of one conversation in one commit.',
      buckets: BATCH_BUCKETS,
      registers,
    });
    const appends = new Histogram({
      name: `${PREFIX}append_seconds`,
      help: 'Seconds from giving a batch to the store until it is durable.',
      buckets: APPEND_BUCKETS,
      registers,
    });
    sources.meters.onBatch = (events) => batches.observe(events);
    sources.meters.onAppend = (seconds) => appends.observe(seconds);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }
}

function register(row: Row, from: Parameters<Row['read']>[0], registers: Registry[]): void {
  const about = {
    name: `${PREFIX}${row.name}`,
    help: row.help,
    labelNames: [...(row.labels ?? [])],
    registers,
  };
  const readings = () => {
    const reading = row.read(from);
    return typeof reading === 'number' ? [[{}, reading] as const] : reading;
  };
  if (row.kind === 'gauge') {
    new Gauge({
      ...about,
      collect() {
        for (const [labels, value] of readings()) this.set(labels, value);
      },
    });
    return;
  }
  new Counter({
    ...about,
    collect() {
      this.reset();
      for (const [labels, value] of readings()) this.inc(labels, value);
    },
  });
}

function toolCalls({ tools }: Meters, read: (of: Passages) => number): Reading {
  return [...tools].flatMap(([tool, outcomes]) =>
    [...outcomes].map(([outcome, of]) => [{ tool, outcome }, read(of)] as const),
  );
}

function passages({ stages }: Meters, read: (of: Passages) => number): Reading {
  return [...stages].flatMap(([stage, outcomes]) =>
    [...outcomes].map(([outcome, of]) => [{ stage, outcome }, read(of)] as const),
  );
}

function lagSince(lag: IntervalHistogram): Reading {
  const beyond = (ns: number) =>
    Math.max((Number.isFinite(ns) ? ns : 0) / NS_A_SECOND - LAG_RESOLUTION_MS / 1000, 0);
  const quantiles: Reading = [
    [{ quantile: '0.5' }, beyond(lag.percentile(50))],
    [{ quantile: '0.99' }, beyond(lag.percentile(99))],
    [{ quantile: '1' }, beyond(lag.max)],
  ];
  lag.reset();
  return quantiles;
}
