import type { Method, Route } from './route.ts';

export type Found =
  | {
      readonly kind: 'route';
      readonly route: Route;
      readonly params: Readonly<Record<string, string>>;
    }
  /** There is something at this path, for other methods. */
  | { readonly kind: 'other_methods'; readonly allow: string }
  | { readonly kind: 'nothing' };

interface Pattern {
  readonly segments: readonly string[];
  readonly byMethod: Map<Method, Route>;
}

/** Finds the route of a request. Linear in the patterns, of which there are few. */
export class Router {
  readonly #patterns: readonly Pattern[];

  constructor(routes: readonly Route[]) {
    const byPath = new Map<string, Pattern>();
    for (const route of routes) {
      const { path } = route;
      const pattern = byPath.get(path) ?? {
        segments: path.slice(1).split('/'),
        byMethod: new Map(),
      };
      byPath.set(path, pattern);
      pattern.byMethod.set(route.method, route);
    }
    this.#patterns = [...byPath.values()];
  }

  find(method: string, path: string): Found {
    const segments = path.slice(1).split('/');
    for (const pattern of this.#patterns) {
      const params = match(pattern.segments, segments);
      if (params === undefined) continue;
      const route = pattern.byMethod.get((method === 'HEAD' ? 'GET' : method) as Method);
      if (route !== undefined) return { kind: 'route', route, params };
      return { kind: 'other_methods', allow: allowed(pattern) };
    }
    return { kind: 'nothing' };
  }
}

function allowed({ byMethod }: Pattern): string {
  const methods = [...byMethod.keys()];
  return [...methods, ...(byMethod.has('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ');
}

/** The named segments, decoded; undefined when the path is another. What can't be decoded stays as it is. */
function match(
  pattern: readonly string[],
  segments: readonly string[],
): Record<string, string> | undefined {
  const params: Record<string, string> = {};
  for (const [at, wanted] of pattern.entries()) {
    const given = segments[at];
    if (given === undefined) return undefined;
    if (wanted.startsWith('{')) params[wanted.slice(1, -1)] = decoded(given);
    else if (wanted !== given) return undefined;
  }
  return pattern.length === segments.length ? params : undefined;
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
