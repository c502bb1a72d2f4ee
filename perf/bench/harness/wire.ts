import WebSocket from 'ws';

/** Milliseconds that an answer may take before the benchmark is given up. */
const PATIENCE_MS = 30_000;

export interface Frame {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** One connection that asks one thing at a time. */
export class Wire {
  readonly #socket: WebSocket;
  #awaited: { type: string; come: (frame: Frame) => void; fail: (why: Error) => void } | undefined;
  /** Sees every frame before it is parsed; what it gives true for is not looked at any more. */
  onFrame: (text: string) => boolean = () => false;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer) => this.#hear(data.toString()));
    socket.on('close', (code) => this.#awaited?.fail(new Error(`closed with ${code}`)));
  }

  /** Connected, and welcome; under `token` as who it stands for. */
  static async open(port: number, token?: string): Promise<{ wire: Wire; token: string }> {
    const url = `ws://127.0.0.1:${port}/v1/ws`;
    const socket = new WebSocket(url, { perMessageDeflate: false });
    await new Promise((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    const wire = new Wire(socket);
    const welcome = await wire.ask({ type: 'hello', token }, 'welcome');
    return { wire, token: token ?? String(welcome['token']) };
  }

  say(frame: Frame): void {
    this.#socket.send(JSON.stringify(frame));
  }

  /** The next frame of `answer`'s type; rejects on `error`. */
  async ask(frame: Frame, answer: string): Promise<Frame> {
    const answered = this.next(answer);
    this.say(frame);
    return answered;
  }

  next(type: string): Promise<Frame> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`no ${type}`)), PATIENCE_MS);
      const settle = () => {
        clearTimeout(late);
        this.#awaited = undefined;
      };
      this.#awaited = {
        type,
        come: (frame) => {
          settle();
          resolve(frame);
        },
        fail: (why) => {
          settle();
          reject(why);
        },
      };
    });
  }

  close(): void {
    this.#socket.removeAllListeners('close');
    this.#socket.close();
  }

  #hear(text: string): void {
    if (this.onFrame(text)) return;
    const frame = JSON.parse(text) as Frame;
    if (frame.type === this.#awaited?.type) this.#awaited.come(frame);
    else if (frame.type === 'error') this.#awaited?.fail(new Error(text));
  }
}
