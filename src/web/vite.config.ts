import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const here = fileURLToPath(new URL('.', import.meta.url));

/**
 * The page as plain files: index.html, and everything else under assets/ with a hash in its name, so that it can
 * be cached for ever. Addresses are relative (a proxy may put a prefix in front), and nothing is inlined (the
 * page runs under a policy that allows no inline script or style).
 */
export default defineConfig({
  root: here,
  base: './',
  publicDir: false,
  build: {
    outDir: '../../dist/web',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  // For work on the page: `vite src/web`, with a server on its usual port.
  server: { proxy: { '/v1': { target: 'http://127.0.0.1:8080', ws: true } } },
});
