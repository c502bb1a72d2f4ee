import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LOAD_CORE, pinned } from '../harness/contender.ts';

/** Who talks to whom, and how much. */
export interface Load {
  readonly rooms: number;
  readonly people: number;
  /** How many of each room's people speak, in turn. */
  readonly senders: number;
  /** Messages of a room under way at once, in a closed loop. */
  readonly window: number;
  /** Messages a second in all rooms together; 0 is a closed loop. */
  readonly rate: number;
  readonly warmMs: number;
  readonly measureMs: number;
  /** Characters of a message; 128 when absent. */
  readonly contentBytes?: number;
  /** The last of the first room's people, who does not speak, reads nothing for so long. */
  readonly slowMs?: number;
  /** The number that the first room goes by; 0 when absent. */
  readonly firstRoom?: number;
}

/** Where to, and what is spoken there. */
export interface Destination {
  readonly port: number;
  readonly protocol: 'colloquy' | 'relay' | 'socket.io' | 'colyseus';
  /** A message that does not come is counted as lost; without this it is an error. */
  readonly mayLose?: boolean;
}

/** What one run came to; rates are a second. */
export interface Measured {
  readonly acked: number;
  readonly delivered: number;
  readonly p50_us: number;
  readonly p99_us: number;
  /** Cores that the client used, of one. */
  readonly cpu: number;
  readonly ack_bytes: number;
  readonly event_bytes: number;
  readonly send_bytes: number;
  readonly sent: number;
  /** Frames that did not come. */
  readonly lost: number;
  /** Messages that the slow reader got in the end, and the code it was closed with, or 0. */
  readonly slow_got: number;
  readonly slow_code: number;
}

/** Rooms that no load has. */
const WARM_UP_LOAD = {
  rooms: 1_000,
  people: 2,
  senders: 2,
  window: 1,
  rate: 0,
  firstRoom: 900_000,
};
/** Enough for a write-ahead log to begin anew. */
const WARM_UP_MS = 3_000;

const SOURCES = [
  'load.c',
  'frame.c',
  ...['colloquy', 'relay', 'socket-io', 'colyseus'].map(protocolFile),
];

/** The native client (load.c), built for this run. */
export class LoadClient {
  readonly #folder = mkdtempSync(join(tmpdir(), 'colloquy-load-'));
  readonly #program = join(this.#folder, 'load');

  constructor() {
    const sources = SOURCES.map((source) => join(import.meta.dirname, source));
    try {
      execFileSync('cc', ['-O2', '-o', this.#program, ...sources], { stdio: 'pipe' });
    } catch (cause) {
      this.remove();
      throw new Error('the load client needs Linux and a C compiler named `cc`', { cause });
    }
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /**
   * Has a new server work in other rooms than those it will be measured with, as long as that takes, three seconds at
   * most. Its code is compiled then, and the write-ahead log of its store has begun anew: until it does the file grows,
   * and each sync takes twice as long.
   */
  async warmUp(to: Destination, measureMs: number): Promise<void> {
    const load = { ...WARM_UP_LOAD, warmMs: 0, measureMs: Math.min(measureMs, WARM_UP_MS) };
    await this.run(load, to, () => {});
  }

  /** Rejects when anything came twice or out of order, or was lost and may not. `onPhase` is called as the window opens and closes. */
  run(
    load: Load,
    to: Destination,
    onPhase: (phase: 'measuring' | 'measured') => void,
  ): Promise<Measured> {
    const options = {
      port: to.port,
      protocol: to.protocol,
      'may-lose': Number(to.mayLose ?? false),
      rooms: load.rooms,
      people: load.people,
      senders: load.senders,
      window: load.window,
      rate: load.rate,
      'warm-ms': load.warmMs,
      'measure-ms': load.measureMs,
      'content-bytes': load.contentBytes ?? 128,
      'slow-ms': load.slowMs ?? 0,
      'first-room': load.firstRoom ?? 0,
    };
    const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const [program = '', ...args] = pinned(LOAD_CORE, [this.#program, ...flags]);
    return new Promise((resolve, reject) => {
      const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
      let said = '';
      let complaint = '';
      child.stdout.on('data', (chunk: Buffer) => {
        said += chunk;
        const text = String(chunk);
        if (text.includes('measuring\n')) onPhase('measuring');
        if (text.includes('measured\n')) onPhase('measured');
      });
      child.stderr.on('data', (chunk: Buffer) => {
        complaint += chunk;
      });
      child.once('error', reject);
      child.once('close', (code, signal) => {
        const result = said.split('\n').find((line) => line.startsWith('{'));
        if (code === 0 && result !== undefined) resolve(JSON.parse(result) as Measured);
        else reject(new Error(complaint.trim() || `the load client ended by ${code ?? signal}`));
      });
    });
  }
}

function protocolFile(name: string): string {
  return `protocols/${name}.c`;
}
