import { afterEach, expect, test } from 'vitest';
import type { Database } from '../../../src/agent/tools/database/database.ts';
import type { ToolPorts } from '../../../src/agent/tools/ports.ts';
import { Toolbox, type ToolboxOptions } from '../../../src/agent/tools/toolbox.ts';
import { ok } from '../../../src/domain/result.ts';
import { Breakers } from '../../../src/provider/breakers.ts';
import { runTool } from './run-tool.ts';

let open: Toolbox | undefined;

afterEach(async () => {
  await open?.close();
});

const NOON = Date.UTC(2026, 0, 2, 12);

async function toolbox(more: Partial<ToolboxOptions> = {}) {
  const reported: string[] = [];
  const ports: ToolPorts = {
    searchDocuments: async () => ok([]),
    searchConversation: async () => ok([]),
    onRan: () => {},
    now: () => NOON,
    report: (event) => reported.push(event),
  };
  open = await Toolbox.open({ ports, breakers: new Breakers(), ...more });
  return { toolbox: open, reported };
}

function databaseOf(schema: () => Promise<string>): ToolboxOptions['database'] {
  const database: Database = {
    dialect: 'SQLite',
    schema,
    query: async () => ({ columns: [], rows: [], truncated: false }),
    close: async () => {},
  };
  return { database, queryMs: 1_000 };
}

const AWAY: Pick<ToolboxOptions, 'mcp'> = {
  mcp: { away: { command: '/nowhere', args: [], approval: 'all', timeout_ms: 1_000 } },
};

test('what is not configured is not there', async () => {
  const { toolbox: bare } = await toolbox();
  const names = (await bare.toolsFor()()).map(({ name }) => name);
  expect(names).toEqual(['current_time', 'search_documents', 'search_conversation']);
});

test('an agent has the tools that it names, and people are asked about those it says', async () => {
  const webSearch = { provider: 'searxng', url: 'http://127.0.0.1:1', key: undefined } as const;
  const { toolbox: box } = await toolbox({ webSearch });
  const tools = await box.toolsFor({
    names: ['current_time', 'web_*'],
    approval: ['web_search', 'search_documents'],
  })();
  expect(tools.map(({ name, needsApproval }) => [name, needsApproval])).toEqual([
    ['current_time', false],
    ['web_search', true],
  ]);
  expect(await box.toolsFor({ names: [] })()).toEqual([]);
});

test('a name that no tool has is known as a mistake; those of a server that is away are not', async () => {
  const { toolbox: box } = await toolbox(AWAY);
  const choice = { names: ['current_tim', 'away__read', 'search_*'], approval: ['query_database'] };
  expect(box.unknownIn(choice)).toEqual(['current_tim', 'query_database']);
});

test('a server that is away costs its own tools only, and a line in the log', async () => {
  const { toolbox: box, reported } = await toolbox(AWAY);
  expect(await box.toolsFor()()).toHaveLength(3);
  expect(reported).toEqual(['mcp_unavailable']);
});

test('a database that does not answer is offered without its tables, and a line says so', async () => {
  const { toolbox: box, reported } = await toolbox({
    database: databaseOf(() => Promise.reject(new Error('away'))),
  });
  const query = (await box.toolsFor()()).find(({ name }) => name === 'query_database');
  expect(query?.description).toMatch(/tables are not known just now/u);
  expect(reported).toEqual(['query_database_unavailable']);
});

test('the tables of a database are read once for many turns', async () => {
  let reads = 0;
  const { toolbox: box } = await toolbox({ database: databaseOf(async () => `CREATE ${++reads}`) });
  const source = box.toolsFor({ names: ['query_database'] });
  for (const tools of [await source(), await source()])
    expect(tools[0]?.description).toContain('CREATE 1');
});

test('the time is told in the zone that was asked for', async () => {
  const { toolbox: box } = await toolbox();
  const [time] = await box.toolsFor({ names: ['current_time'] })();
  if (time === undefined) return expect.unreachable();
  expect(await runTool(time, { timezone: 'Asia/Kolkata' })).toEqual({
    timezone: 'Asia/Calcutta',
    date: '2026-01-02',
    time: '17:30:00',
    weekday: 'Friday',
    utc_offset: '+05:30',
    utc: '2026-01-02T12:00:00.000Z',
  });
  expect(await runTool(time, {})).toMatchObject({ timezone: 'UTC', utc_offset: '+00:00' });
  await expect(runTool(time, { timezone: 'Mars/Olympus' })).rejects.toThrow('not the IANA name');
});
