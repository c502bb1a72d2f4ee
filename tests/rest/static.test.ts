import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Answer } from '../../src/http/rest/reply.ts';
import type { RawCall } from '../../src/http/rest/route.ts';
import { Router } from '../../src/http/rest/router.ts';
import { pageRoutes } from '../../src/http/static.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function built(): string {
  const folder = mkdtempSync(join(tmpdir(), 'colloquy-page-'));
  folders.push(folder);
  mkdirSync(join(folder, 'assets'));
  writeFileSync(join(folder, 'index.html'), '<!doctype html><p>the page</p>');
  writeFileSync(join(folder, 'assets/index-AbC1.js'), 'run()');
  writeFileSync(join(folder, 'icon.svg'), '<svg/>');
  return folder;
}

/** Asks the routes of a folder, as a server would. */
async function get(folder: string, path: string, ifNoneMatch = ''): Promise<Answer | undefined> {
  const found = new Router(pageRoutes(folder)).find('GET', path);
  if (found.kind !== 'route') return undefined;
  const raw: RawCall = {
    params: found.params,
    query: {},
    body: {},
    header: (name) => (name === 'if-none-match' ? ifNoneMatch : ''),
    onGone: () => {},
    from: '127.0.0.1',
  };
  // Pages need nothing of the runtime.
  return found.route.run(raw, {} as never, undefined);
}

async function contentOf(folder: string, path: string) {
  const answer = await get(folder, path);
  if (answer?.ok !== true || answer.value.kind !== 'content')
    throw new Error(`no content: ${path}`);
  return { ...answer.value, text: Buffer.from(answer.value.body as Buffer).toString() };
}

describe('the page', () => {
  it('is at /, under a policy that lets in nothing from elsewhere, and is asked for again each time', async () => {
    const { status, headers, text } = await contentOf(built(), '/');
    expect([status, text]).toEqual([200, '<!doctype html><p>the page</p>']);
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-cache',
    });
    const policy = headers['content-security-policy'];
    for (const part of ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"]) {
      expect(policy).toContain(part);
    }
    expect(policy).not.toContain('unsafe');
  });

  it('has its files by their names: for ever where the name has a hash', async () => {
    const folder = built();
    const script = await contentOf(folder, '/assets/index-AbC1.js');
    expect(script.headers).toMatchObject({
      'content-type': 'text/javascript; charset=utf-8',
      'cache-control': 'public, max-age=31536000, immutable',
    });
    const icon = await contentOf(folder, '/icon.svg');
    expect(icon.headers).toMatchObject({
      'content-type': 'image/svg+xml',
      'cache-control': 'no-cache',
    });
  });

  it('is not sent again to who has it', async () => {
    const folder = built();
    const { headers } = await contentOf(folder, '/');
    const again = await get(folder, '/', headers['etag']);
    expect(again).toMatchObject({ value: { kind: 'empty', status: 304 } });
    expect(await get(folder, '/', '"another"')).toMatchObject({ value: { status: 200 } });
  });

  it('has a place for a conversation, to which its plain link leads', async () => {
    expect(await get(built(), '/c/some.room')).toMatchObject({
      value: { status: 302, headers: { location: '../#/c/some.room' } },
    });
    expect(await get(built(), '/c/<script>')).toMatchObject({ ok: false });
  });

  it.each(['/../package.json', '/assets/../index.html', '/index.html', '/assets', '/nothing.js'])(
    'gives away nothing at %s',
    async (path) => {
      expect(await get(built(), path)).toBeUndefined();
    },
  );

  it('says how to build it when it is not built', async () => {
    const { status, text } = await contentOf(join(tmpdir(), 'no-such-folder'), '/');
    expect(status).toBe(503);
    expect(text).toContain('npm run build:web');
  });
});
