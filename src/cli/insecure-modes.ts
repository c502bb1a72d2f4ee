import { isIP } from 'node:net';
import { type Config, envNameOf } from '../config.ts';

/** What is open or risky as it is configured, a line each, with the setting that changes it. */
export function insecureModes(config: Config): readonly string[] {
  const found: string[] = [];
  const isPublic = !isLoopback(config.host);
  if (config.guests) {
    found.push(`guests come in without a token; ${envNameOf('guests')}=false asks for one`);
  }
  if (isPublic) {
    found.push(`listens on ${config.host} without TLS; put a proxy that has it in front`);
    found.push(
      '/metrics is open to whoever reaches the port; keep it from the public at the proxy',
    );
  }
  if (config.store === 'memory:') {
    found.push(`nothing is kept when the server stops; ${envNameOf('store')}=sqlite:PATH keeps it`);
  } else if (config.store.startsWith('sqlite:') && config.sqliteSynchronous === 'NORMAL') {
    found.push('a power cut may lose the last acknowledged messages; FULL keeps them');
  }
  const database = config.store.startsWith('postgres') ? URL.parse(config.store) : null;
  if (database !== null && !isNear(database.hostname) && !isEncrypted(database)) {
    found.push(
      `the store at ${database.host} is reached without TLS; sslmode=verify-full asks for it`,
    );
  }
  const { openaiBaseUrl, openaiApiKey } = config;
  const endpoint = openaiBaseUrl === undefined ? null : URL.parse(openaiBaseUrl);
  if (
    endpoint?.protocol === 'http:' &&
    openaiApiKey !== undefined &&
    !isLoopback(endpoint.hostname)
  ) {
    found.push(`the model's key goes to ${endpoint.host} without TLS`);
  }
  return found;
}

/** This machine, or a folder of sockets on it. */
function isNear(hostname: string): boolean {
  return hostname === '' || hostname.toLowerCase().startsWith('%2f') || isLoopback(hostname);
}

function isEncrypted({ searchParams }: URL): boolean {
  const [mode, ssl] = [searchParams.get('sslmode'), searchParams.get('ssl')];
  return (mode !== null && mode !== 'disable') || ssl === 'true' || ssl === '1';
}

function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '');
  if (isIP(bare) === 4) return bare.startsWith('127.');
  return bare === '::1' || bare === 'localhost';
}
