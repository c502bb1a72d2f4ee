// Who may import whom: imports go one way, from the edges to the domain. scripts/import-rules.ts
// holds the code to these two tables. Cycles are Biome's to find (noImportCycles).

/** Folders (or single files), and what files inside may import besides their own area. */
export interface Area {
  readonly name: string;
  /** Paths from the root of the repository; a folder ends in `/`. The longest match wins. */
  readonly paths: readonly string[];
  /** Other areas it may import, or everything. */
  readonly imports: readonly string[] | 'everything';
  /** Areas of which it may import types, and nothing that runs. */
  readonly importsTypesOf?: readonly string[];
  /** What it may import from outside the repository; by default packages and Node's own modules. */
  readonly outside?: 'nothing' | 'packages';
}

export const AREAS: readonly Area[] = [
  { name: 'domain', paths: ['src/domain/'], imports: [], outside: 'nothing' },
  { name: 'protocol', paths: ['src/protocol/'], imports: ['domain'], outside: 'packages' },
  { name: 'machines', paths: ['machines/'], imports: ['domain'], outside: 'packages' },
  { name: 'text', paths: ['src/text/'], imports: [], outside: 'nothing' },
  {
    name: 'store port',
    paths: [
      'storage/store.ts',
      'storage/audit-log.ts',
      'storage/ledger.ts',
      'storage/turn-orders.ts',
      'storage/document-store.ts',
      'storage/message-index.ts',
      'storage/vector-spaces.ts',
      'storage/unavailable.ts',
    ],
    imports: ['domain'],
  },
  { name: 'appends', paths: ['storage/submit.ts'], imports: ['domain', 'store port'] },
  {
    name: 'storage',
    paths: ['storage/'],
    imports: ['domain', 'text', 'store port', 'appends', 'observability'],
  },
  { name: 'provider', paths: ['src/provider/'], imports: ['domain', 'text', 'observability'] },
  {
    name: 'search',
    paths: ['src/search/'],
    imports: ['domain', 'text', 'provider', 'observability'],
    importsTypesOf: ['store port'],
  },
  {
    name: 'library',
    paths: ['src/library/'],
    imports: ['domain', 'text', 'search', 'provider', 'observability'],
    importsTypesOf: ['store port'],
  },
  {
    name: 'transfer',
    paths: ['src/transfer/'],
    imports: ['domain', 'protocol'],
    importsTypesOf: ['store port'],
  },
  { name: 'agent port', paths: ['actors/agent-port.ts'], imports: ['domain'] },
  {
    name: 'actors',
    paths: ['actors/'],
    imports: ['domain', 'machines', 'text', 'agent port', 'appends', 'observability'],
    importsTypesOf: ['store port'],
  },
  {
    name: 'agent',
    paths: ['src/agent/'],
    imports: ['domain', 'text', 'provider', 'agent port', 'observability'],
  },
  {
    name: 'pipeline',
    paths: ['src/pipeline/'],
    imports: ['domain', 'text', 'provider', 'agent port', 'observability'],
    importsTypesOf: ['store port'],
  },
  {
    name: 'http',
    paths: ['src/http/'],
    imports: [
      'domain',
      'protocol',
      'actors',
      'agent port',
      'search',
      'library',
      'pipeline',
      'observability',
    ],
  },
  { name: 'observability', paths: ['src/observability/'], imports: ['domain'] },
  { name: 'config', paths: ['src/config.ts', 'src/settings/'], imports: ['domain'] },
  { name: 'client', paths: ['src/client/'], imports: ['protocol', 'domain'], outside: 'packages' },
  {
    name: 'web',
    paths: ['src/web/'],
    imports: ['client', 'protocol', 'domain'],
    outside: 'packages',
  },
  { name: 'version', paths: ['src/version.ts'], imports: [] },
  {
    name: 'process',
    paths: [
      'src/runtime.ts',
      'src/open-store.ts',
      'src/store-breaker.ts',
      'src/open-agent.ts',
      'src/open-agents.ts',
      'src/open-pipeline.ts',
      'src/open-embedder.ts',
      'src/open-tools.ts',
      'src/log-secrets.ts',
      'src/tool-ports.ts',
      'src/main.ts',
      'src/cli/',
    ],
    imports: 'everything',
  },
  {
    name: 'around',
    paths: ['tests/', 'perf/', 'scripts/', 'vitest.config.ts', 'src/web/vite.config.ts'],
    imports: 'everything',
  },
];

/** Packages that stay behind one wall each; tests, benchmarks and scripts may use them, too. */
export const WALLED_PACKAGES: readonly {
  readonly packages: RegExp;
  readonly inside: readonly string[];
}[] = [
  { packages: /^uWebSockets\.js$/, inside: ['src/http/'] },
  {
    packages: /^(better-sqlite3|sqlite-vec)$/,
    inside: ['storage/sqlite/', 'src/agent/tools/database/'],
  },
  { packages: /^pg$/, inside: ['storage/postgres/', 'src/agent/tools/database/'] },
  { packages: /^@langchain\/textsplitters$/, inside: ['src/library/'] },
  { packages: /^(unpdf|html-to-text)$/, inside: ['src/library/'] },
  {
    packages: /^(langchain|@langchain\/(?!textsplitters).+)$/,
    inside: ['src/agent/', 'src/search/', 'src/provider/'],
  },
  { packages: /^obscenity$/, inside: ['src/pipeline/'] },
  { packages: /^xstate$/, inside: ['machines/', 'actors/'] },
  { packages: /^(preact|@preact\/.+)$/, inside: ['src/web/'] },
];
