/**
 * A server of the Model Context Protocol on its standard streams, for tests: what it runs it writes into the file that
 * is its argument, a line when it begins and one when it ends.
 */
import { appendFileSync } from 'node:fs';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { z } from 'zod';

const [file = '/dev/null'] = process.argv.slice(2);
const note = (line: string) => appendFileSync(file, `${line}\n`);
const server = new McpServer({ name: 'counter', version: '1' });
const text = (words: string) => ({ content: [{ type: 'text' as const, text: words }] });

note(`start ${process.pid}`);

server.registerTool(
  'count',
  {
    description: 'Writes a label down, after as many milliseconds.',
    inputSchema: { label: z.string(), ms: z.number().max(60_000).default(0) },
  },
  async ({ label, ms }) => {
    note(`begin ${label}`);
    await new Promise((resolve) => setTimeout(resolve, ms));
    note(`end ${label}`);
    return text(`counted ${label}`);
  },
);

server.registerTool('fail', { description: 'Fails.', inputSchema: {} }, async () => ({
  ...text(`no: the token is ${process.env['TOKEN'] ?? 'unset'}`),
  isError: true,
}));

server.registerTool('die', { description: 'Ends the server.', inputSchema: {} }, async () => {
  note('die');
  process.exit(1);
});

server.registerTool('environment', { description: 'Names.', inputSchema: {} }, async () =>
  text(Object.keys(process.env).sort().join(' ')),
);

await server.connect(new StdioServerTransport());
