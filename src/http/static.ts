import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ok } from '../domain/result.ts';
import { ConversationPath } from '../protocol/rest.ts';
import type { Headers } from './rest/reply.ts';
import { publicRoute, type Route } from './rest/route.ts';

/** Where `npm run build:web` puts the page. */
const BUILT = fileURLToPath(new URL('../../dist/web/', import.meta.url));

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
};

/** Nothing from another host, no inline script, in nobody's frame. */
const PAGE_HEADERS: Headers = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'cross-origin-opener-policy': 'same-origin',
};

const NOT_BUILT = 'The page is not built. `npm start` builds it; so does `npm run build:web`.\n';

/** What never changes under its name: Vite puts a hash of the content into it. */
const FOR_EVER = 'public, max-age=31536000, immutable';

interface File {
  readonly status: number;
  readonly body: string | Uint8Array;
  readonly headers: Headers;
}

const NO_PAGE: File = {
  status: 503,
  body: NOT_BUILT,
  headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' },
};

/** The built page and its files, read once. A link to a conversation is a place in the page. */
export function pageRoutes(folder: string = BUILT): readonly Route[] {
  const files = readFiles(folder);
  const page = files.get('index.html') ?? NO_PAGE;
  const named = [...files].filter(([name]) => name !== 'index.html');
  return [
    fileRoute('/', page),
    ...named.map(([name, file]) => fileRoute(`/${name}`, file)),
    publicRoute({
      method: 'GET',
      path: '/c/{id}',
      params: ConversationPath,
      handle: async ({ params: { id } }) =>
        ok({
          kind: 'empty',
          status: 302,
          headers: { location: `../#/c/${encodeURIComponent(id)}` },
        }),
    }),
  ];
}

function fileRoute(path: string, { status, body, headers }: File): Route {
  return publicRoute({
    method: 'GET',
    path,
    handle: async ({ header }) => {
      const etag = headers['etag'];
      return etag !== undefined && header('if-none-match') === etag
        ? ok({ kind: 'empty', status: 304, headers: { etag } })
        : ok({ kind: 'content', status, body, headers });
    },
  });
}

/** By their paths below `folder`; none when there is no such folder. */
function readFiles(folder: string): ReadonlyMap<string, File> {
  const files = new Map<string, File>();
  for (const name of namesIn(folder)) {
    const body = readFileSync(join(folder, name));
    const type = TYPES[extname(name)] ?? 'application/octet-stream';
    const isHashed = name.startsWith('assets/');
    files.set(name, {
      status: 200,
      body,
      headers: {
        ...(extname(name) === '.html' ? PAGE_HEADERS : {}),
        'content-type': type,
        'cache-control': isHashed ? FOR_EVER : 'no-cache',
        etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`,
      },
    });
  }
  return files;
}

function namesIn(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll('\\', '/'));
}
