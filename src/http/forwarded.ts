/** An address, as proxies write it. */
const ADDRESS = /^[0-9a-f:.]{2,45}$/i;

/**
 * The address that the nearest proxy was called from, by `X-Forwarded-For`; undefined when it does not say one. What
 * stands before the last of them came from further away, and may be anybody's invention.
 */
export function forwardedFrom(header: string): string | undefined {
  const last = header.slice(header.lastIndexOf(',') + 1).trim();
  return ADDRESS.test(last) ? last : undefined;
}
