import { parentPort } from 'node:worker_threads';
import { type Failure, failure } from '../domain/failure.ts';
import { err, type Result } from '../domain/result.ts';
import { extract, type Order, type Reading } from './extract.ts';

/** The thread in which documents are read: one order at a time, a report for each. */
const port = parentPort;

// The first message says that everything is loaded: the deadline of an order does not count that.
port?.postMessage('ready');
port?.on('message', (order: Order) => {
  extract(order)
    .catch((cause): Result<Reading, Failure> => err(broken(cause)))
    .then((report) => port.postMessage(report))
    .catch((cause) => port.postMessage(err(broken(cause))));
});

/** What nobody thought of. The error itself stays here: not everything can be sent. */
function broken(cause: unknown): Failure {
  return failure('document_unreadable', {
    cause: cause instanceof Error ? cause.stack : undefined,
  });
}
