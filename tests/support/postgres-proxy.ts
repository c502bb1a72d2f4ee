import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** Stands between a pool and a Postgres, and cuts connections at the moment they are used next. */
export class PostgresProxy {
  readonly #server: Server;
  readonly #url: URL;
  readonly #sockets = new Set<Socket>();
  #toCut = new Set<Socket>();

  private constructor(url: string) {
    this.#url = new URL(url);
    const path = `${decodeURIComponent(this.#url.hostname)}/.s.PGSQL.5432`;
    this.#server = createServer((client) => this.#join(client, connect({ path })));
  }

  /** In front of the server on a unix socket that the address names. */
  static async before(url: string): Promise<PostgresProxy> {
    const proxy = new PostgresProxy(url);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get url(): string {
    const { port } = this.#server.address() as AddressInfo;
    const { username, password, pathname } = this.#url;
    return `postgres://${username}:${password}@127.0.0.1:${port}${pathname}`;
  }

  /** The connections there are now are cut by the next thing that is sent on them, which does not arrive. */
  cutAtNextUse(): void {
    this.#toCut = new Set(this.#sockets);
  }

  async end(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(client: Socket, server: Socket): void {
    this.#sockets.add(client);
    client.on('data', (bytes) => {
      if (this.#toCut.has(client)) client.resetAndDestroy();
      else server.write(bytes);
    });
    server.on('data', (bytes) => client.write(bytes));
    for (const socket of [client, server])
      socket
        .on('error', () => {})
        .on('close', () => {
          this.#sockets.delete(client);
          client.destroy();
          server.destroy();
        });
  }
}
