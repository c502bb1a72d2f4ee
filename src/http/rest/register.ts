import type { TemplatedApp } from 'uWebSockets.js';
import type { Edge } from '../edge.ts';

export interface Rest {
  /** Ends the streams. */
  close(): void;
}

export function registerRest(app: TemplatedApp, _edge: Edge): Rest {
  app.get('/health/live', (res) => {
    res.writeHeader('content-type', 'application/json').end('{"status":"ok"}');
  });
  return { close: () => {} };
}
