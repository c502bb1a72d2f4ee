import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { refusedImports } from '../../scripts/import-rules.ts';

const root = join(import.meta.dirname, '../..');

describe('an import against the map is refused', () => {
  test.for([
    ['src/domain/a.ts', `import { b } from '../protocol/b.ts'`, 'domain may not import protocol'],
    ['src/domain/a.ts', `import { z } from 'zod'`, 'domain imports nothing from outside'],
    ['src/domain/a.ts', `import type { Stats } from 'node:fs'`, 'domain imports nothing from'],
    [
      'src/protocol/a.ts',
      `import { b } from '../../actors/b.ts'`,
      'protocol may not import actors',
    ],
    ['machines/a.ts', `export { b } from '../storage/b.ts'`, 'machines may not import storage'],
    ['machines/a.ts', `import fs from 'node:fs'`, "machines may not import Node's modules"],
    ['storage/a.ts', `import type { B } from '../actors/b.ts'`, 'storage may not import actors'],
    ['storage/memory/a.ts', `import Database from 'better-sqlite3'`, 'only in storage/sqlite/'],
    ['actors/a.ts', `import { b } from '../storage/memory/b.ts'`, 'actors may not import storage'],
    ['actors/a.ts', `import { b } from '../storage/store.ts'`, 'only types of store port'],
    ['actors/a.ts', `import { type A, b } from '../storage/store.ts'`, 'only types of store port'],
    ['actors/a.ts', `import '../storage/store.ts'`, 'only types of store port'],
    ['actors/a.ts', `export * from '../src/http/b.ts'`, 'actors may not import http'],
    ['actors/a.ts', `const b = await import('../src/http/b.ts')`, 'actors may not import http'],
    ['src/agent/a.ts', `import { b } from '../../actors/b.ts'`, 'agent may not import actors'],
    [
      'src/http/a.ts',
      `import type { S } from '../../storage/store.ts'`,
      'http may not import store',
    ],
    ['src/http/a.ts', `import { createAgent } from 'langchain'`, 'only in src/agent/'],
    ['actors/a.ts', `import uWS from 'uWebSockets.js'`, 'only in src/http/'],
    ['src/runtime.ts', `import { B } from '@langchain/core/messages'`, 'only in src/agent/'],
    ['src/client/a.ts', `import { b } from '../http/b.ts'`, 'client may not import http'],
    ['src/client/a.ts', `import { b } from '../web/b.ts'`, 'client may not import web'],
    ['src/client/a.ts', `import { Buffer } from 'node:buffer'`, "client may not import Node's"],
    ['src/web/a.tsx', `import { b } from '../../actors/b.ts'`, 'web may not import actors'],
    ['src/observability/a.ts', `import '../../actors/b.ts'`, 'observability may not import actors'],
    ['src/http/a.ts', `import { b } from '../runtime.ts'`, 'http may not import process'],
    ['src/elsewhere/a.ts', '', 'belongs to no area'],
  ] as const)('%s: %s', ([path, source, reason]) => {
    const refused = refusedImports(path, source);
    expect(refused).toHaveLength(1);
    expect(refused[0]).toContain(`${path}:1: `);
    expect(refused[0]).toContain(reason);
  });
});

describe('an import the map has is not', () => {
  test.for([
    ['src/domain/deep/a.ts', `import { b } from '../b.ts'`],
    ['src/protocol/a.ts', `import { z } from 'zod'; import { b } from '../domain/b.ts'`],
    ['actors/a.ts', `import type { Store } from '../storage/store.ts'`],
    ['actors/a.ts', `import { type A, type B } from '../storage/store.ts'`],
    ['actors/a.ts', `import { log } from '../src/observability/log.ts'`],
    ['src/agent/langgraph/a.ts', `import { AgentFailure } from '../../../actors/agent-port.ts'`],
    ['src/agent/a.ts', `import { createAgent } from 'langchain'`],
    ['src/http/a.ts', `import uWS from 'uWebSockets.js'; import '../../actors/b.ts'`],
    ['storage/sqlite/a.ts', `import Database from 'better-sqlite3'; import fs from 'node:fs'`],
    ['src/web/a.tsx', `import { b } from '../client/b.ts'; const c = <p>'</p>`],
    ['src/runtime.ts', `import '../storage/sqlite/b.ts'; import './http/b.ts'`],
    ['tests/wire/a.test.ts', `import uWS from 'uWebSockets.js'; import '../../storage/b.ts'`],
  ] as const)('%s: %s', ([path, source]) => {
    expect(refusedImports(path, source)).toEqual([]);
  });
});

test('says the line of the import', () => {
  const [refused] = refusedImports('src/domain/a.ts', `\n\nimport {\n  z,\n} from 'zod';\n`);
  expect(refused).toBe("src/domain/a.ts:5: domain imports nothing from outside ('zod')");
});

describe('the linter', () => {
  const biome = join(root, 'node_modules/@biomejs/biome/bin/biome');

  /** What it says of these files, under the project's own rules. */
  async function lint(files: Record<string, string>): Promise<string> {
    const folder = mkdtempSync(join(tmpdir(), 'colloquy-lint-'));
    try {
      const { vcs: _, ...rules } = JSON.parse(readFileSync(join(root, 'biome.json'), 'utf8'));
      writeFileSync(join(folder, 'biome.json'), JSON.stringify(rules));
      writeFileSync(join(folder, 'package.json'), '{}');
      for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
      return await new Promise((resolve) => {
        execFile(process.execPath, [biome, 'lint'], { cwd: folder }, (_error, out, err) =>
          resolve(out + err),
        );
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  test('refuses a cycle', async () => {
    const found = await lint({
      'a.ts': `import { b } from './b.ts';\nexport const a = () => b;\n`,
      'b.ts': `import { a } from './a.ts';\nexport const b = () => a;\n`,
    });
    expect(found).toContain('noImportCycles');
  });

  test.for([
    ['noExplicitAny', 'export const a = (b: any) => b;\n'],
    ['noConsole', `console.log('a');\n`],
    ['noDefaultExport', 'export default 1;\n'],
    ['noBarrelFile', `export { a } from './b.ts';\n`],
    ['useImportType', `import { A } from './b.ts';\nexport const a = (b: A) => b;\n`],
    ['noFloatingPromises', 'const a = async () => 1;\nexport const b = () => {\n  a();\n};\n'],
    ['useMaxParams', 'export const f = (a: 1, b: 2, c: 3, d: 4) => [a, b, c, d];\n'],
  ] as const)('refuses with %s', async ([rule, source]) => {
    expect(await lint({ 'a.ts': source, 'b.ts': 'export type A = 1;\n' })).toContain(rule);
  });
});
