// Completes each package-lock.json with the binaries of other platforms.
//
// A registry mirror that holds only this platform's optional binaries makes `npm install` write a
// lock without the others: `npm ci` then refuses it ("Missing: … from lock file"), and people on
// other platforms would lack theirs. Every optional dependency that has no entry gets one with its
// version and the `os`, `cpu` and `libc` its name tells. There is no integrity to write: nobody
// here has seen those files.
//
// `npm run lock` brings the lock up to package.json first, then runs this. Both are idempotent.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const OS = [
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
];
const CPU = ['arm', 'arm64', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'x64'];

/**
 * What a platform package's name tells about where it runs.
 * @param {string} name for example `@biomejs/cli-linux-arm64-musl`
 * @returns {{ os?: string[], cpu?: string[], libc?: string[] }}
 */
export function platformOf(name) {
  const words = name.slice(name.indexOf('/') + 1).split(/[-.]/);
  const os = words.find((word) => OS.includes(word));
  const cpu = words.find((word) => CPU.includes(word));
  const musl = words.some((word) => word.startsWith('musl'));
  const gnu = words.some((word) => word.startsWith('gnu') || word === 'glibc');
  return {
    ...(os && { os: [os] }),
    ...(cpu && { cpu: [cpu] }),
    ...(musl ? { libc: ['musl'] } : gnu && { libc: ['glibc'] }),
  };
}

/**
 * @typedef {{ version?: string, dev?: boolean, optional?: boolean, resolved?: string,
 *   optionalDependencies?: Record<string, string> }} Entry
 * @typedef {{ packages: Record<string, Entry> }} Lock
 */

/** The entry Node would find for `name` from the package at `path`: the nearest one upwards. */
function nearest(
  /** @type {Lock['packages']} */ packages,
  /** @type {string} */ path,
  /** @type {string} */ name,
) {
  for (let at = path; at; at = at.slice(0, Math.max(0, at.lastIndexOf('node_modules/') - 1))) {
    const entry = packages[`${at}/node_modules/${name}`];
    if (entry) return entry;
  }
  return packages[`node_modules/${name}`];
}

/**
 * The lock with an entry for every optional dependency, and without addresses of a registry.
 * @param {Lock} lock
 * @returns {{ lock: Lock, added: string[] }}
 */
export function completeLock(lock) {
  const packages = { ...lock.packages };
  const added = /** @type {string[]} */ ([]);
  for (const [path, { resolved: _, ...entry }] of Object.entries(packages)) packages[path] = entry;
  for (const [path, entry] of Object.entries(lock.packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      const exact = /^\d+\.\d+\.\d+/.test(version);
      const found = nearest(packages, path, name);
      if (found && (!exact || found.version === version)) continue;
      if (!exact)
        throw new Error(`${path} wants ${name}@${version}: a range names no version to write down`);
      const flat = `node_modules/${name}`;
      const place = packages[flat] ? `${path}/${flat}` : flat;
      const { os, cpu, libc } = platformOf(name);
      // In npm's own order, so that a later `npm install` does not shuffle the file.
      packages[place] = {
        version,
        ...(cpu && { cpu }),
        ...(entry.dev && { dev: true }),
        ...(libc && { libc }),
        optional: true,
        ...(os && { os }),
      };
      added.push(place);
    }
  }
  const sorted = Object.entries(packages).sort(([a], [b]) => a.localeCompare(b, 'en'));
  return { lock: { ...lock, packages: Object.fromEntries(sorted) }, added };
}

/** The project's own, and that of the peers it is measured beside. */
const LOCKS = ['package-lock.json', 'perf/peers/package-lock.json'];

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const name of LOCKS) {
    const file = new URL(`../${name}`, import.meta.url);
    const before = readFileSync(file, 'utf8');
    const { lock, added } = completeLock(JSON.parse(before));
    const after = `${JSON.stringify(lock, null, 2)}\n`;
    if (after !== before) writeFileSync(file, after);
    process.stderr.write(
      after === before
        ? `${name} is complete\n`
        : `${name}: added ${added.length} entries for other platforms\n`,
    );
  }
}
