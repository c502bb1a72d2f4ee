/** The page has two places: the start, and a conversation at `#/c/ID`. A fragment, so that any server of `/` serves both. */
export type Route = { readonly place: 'start' } | { readonly place: 'room'; readonly id: string };

const ID = /^[A-Za-z0-9._~:-]{1,128}$/;
const START: Route = { place: 'start' };

export function routeOf(hash: string): Route {
  const [, id = ''] = /^#\/c\/([^/?#]+)$/.exec(hash) ?? [];
  return ID.test(decoded(id)) ? { place: 'room', id: decoded(id) } : START;
}

export function hashOf(route: Route): string {
  return route.place === 'start' ? '#/' : `#/c/${encodeURIComponent(route.id)}`;
}

/** The address to give to others. */
export function linkTo(id: string): string {
  return new URL(hashOf({ place: 'room', id }), location.href).href;
}

/** The id in what somebody pasted: a link, or the id itself. */
export function idIn(text: string): string | undefined {
  const trimmed = text.trim();
  if (ID.test(trimmed) && !trimmed.includes(':')) return trimmed;
  const route = routeOf(trimmed.slice(Math.max(0, trimmed.indexOf('#'))));
  return route.place === 'room' ? route.id : undefined;
}

const LETTERS = 'abcdefghijkmnpqrstuvwxyz23456789';

/** An id that nobody guesses (120 bits): who has the link may come in. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(24));
  return Array.from(bytes, (byte) => LETTERS[byte % LETTERS.length]).join('');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}
