const SOCKET_PATH = '/v1/ws';

export interface Endpoint {
  /** `ws:` or `wss:`. */
  readonly socket: string;
  /** `http:` or `https:`, without a trailing slash. */
  readonly rest: string;
}

/**
 * Where a server is, from any of its addresses: `https://host`, `ws://host:8080/v1/ws`, or a prefix that a proxy
 * puts in front. Throws a TypeError for what is not an address.
 */
export function endpointOf(address: string): Endpoint {
  const url = new URL(address);
  const isSecure = url.protocol === 'https:' || url.protocol === 'wss:';
  if (!isSecure && url.protocol !== 'http:' && url.protocol !== 'ws:') {
    throw new TypeError(`not the address of a server: ${address}`);
  }
  const path = url.pathname.replace(/\/+$/, '');
  const prefix = path.endsWith(SOCKET_PATH) ? path.slice(0, -SOCKET_PATH.length) : path;
  const rest = `//${url.host}${prefix}`;
  return {
    socket: `${isSecure ? 'wss' : 'ws'}:${rest}${SOCKET_PATH}`,
    rest: `${isSecure ? 'https' : 'http'}:${rest}`,
  };
}
