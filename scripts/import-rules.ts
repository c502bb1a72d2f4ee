// Holds every import of the repository to scripts/import-areas.ts. Imports are resolved to paths
// before they are judged, so that a rule cannot be walked around by another spelling.
//
// Parsed with oxc: the linters that know import rules need the compiler API, which TypeScript 7
// does not have.
import { readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { posix } from 'node:path';
import { parseSync } from 'oxc-parser';
import type { Area } from './import-areas.ts';
import { AREAS, WALLED_PACKAGES } from './import-areas.ts';

interface Import {
  readonly specifier: string;
  /** Offset of the specifier in the source. */
  readonly offset: number;
  /** Whether the compiler removes it: `import type`, `export type … from`. */
  readonly isTypeOnly: boolean;
}

/** Every import of a file: static, re-exported, and dynamic with a literal specifier. */
function importsOf(path: string, source: string): readonly Import[] {
  const { module, errors } = parseSync(path, source);
  if (errors[0]) throw new Error(`${path}: ${errors[0].message}`);
  const found: Import[] = [];
  for (const { moduleRequest, entries } of module.staticImports) {
    const isTypeOnly = entries.length > 0 && entries.every((entry) => entry.isType);
    found.push({ specifier: moduleRequest.value, offset: moduleRequest.start, isTypeOnly });
  }
  for (const { entries } of module.staticExports) {
    for (const { moduleRequest, isType } of entries) {
      if (!moduleRequest) continue;
      const { value, start } = moduleRequest;
      found.push({ specifier: value, offset: start, isTypeOnly: isType });
    }
  }
  for (const { moduleRequest } of module.dynamicImports) {
    const literal = /^(['"`])([^'"`$]*)\1$/.exec(
      source.slice(moduleRequest.start, moduleRequest.end),
    );
    if (!literal?.[2]) continue;
    found.push({ specifier: literal[2], offset: moduleRequest.start, isTypeOnly: false });
  }
  return found;
}

/** The area of a path (from the root, with `/`): that of the longest entry that holds it. */
function areaOf(path: string): Area | undefined {
  let best: { area: Area; length: number } | undefined;
  for (const area of AREAS) {
    for (const entry of area.paths) {
      const isInside = entry.endsWith('/') ? path.startsWith(entry) : path === entry;
      if (isInside && entry.length > (best?.length ?? 0)) best = { area, length: entry.length };
    }
  }
  return best?.area;
}

/** Why a file of `from` may not have this import of another file, or undefined. */
function refusalOfFile(from: Area, target: string, isTypeOnly: boolean): string | undefined {
  const to = areaOf(target);
  if (!to) return `${target} belongs to no area`;
  if (from === to || from.imports === 'everything' || from.imports.includes(to.name))
    return undefined;
  if (from.importsTypesOf?.includes(to.name)) {
    return isTypeOnly ? undefined : `${from.name} may import only types of ${to.name}`;
  }
  return `${from.name} may not import ${to.name}`;
}

/** Why a file may not have this import of a package or of a module of Node's, or undefined. */
function refusalOfOutside(from: Area, path: string, specifier: string): string | undefined {
  if (from.outside === 'nothing') return `${from.name} imports nothing from outside`;
  if (isBuiltin(specifier)) {
    return from.outside === 'packages' ? `${from.name} may not import Node's modules` : undefined;
  }
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
  const wall = WALLED_PACKAGES.find(({ packages }) => packages.test(name));
  if (!wall || from.name === 'around' || wall.inside.some((folder) => path.startsWith(folder))) {
    return undefined;
  }
  return `${name} is imported only in ${wall.inside.join(' and ')}`;
}

/** What is wrong with one file's imports, as lines `path:line: reason ('specifier')`. */
export function refusedImports(path: string, source: string): readonly string[] {
  const from = areaOf(path);
  if (!from) return [`${path}:1: belongs to no area of scripts/import-areas.ts`];
  return importsOf(path, source).flatMap(({ specifier, offset, isTypeOnly }) => {
    const reason = specifier.startsWith('.')
      ? refusalOfFile(from, posix.join(posix.dirname(path), specifier), isTypeOnly)
      : refusalOfOutside(from, path, specifier);
    const line = source.slice(0, offset).split('\n').length;
    return reason ? [`${path}:${line}: ${reason} ('${specifier}')`] : [];
  });
}

/** All that is refused in these files, given by their paths from `root`. */
export function checkImports(root: string, paths: readonly string[]): readonly string[] {
  return paths.flatMap((path) => refusedImports(path, readFileSync(`${root}/${path}`, 'utf8')));
}
