/**
 * Asks an endpoint for a completion, over `node:http`: the client's own way, through `fetch`, takes several times as
 * much of the processor, and a turn waits for it before its first word (docs/adr/0016).
 *
 * Owns: connections that are kept for the next call. Does not own: what stands in a request, which the client says.
 */
import * as http from 'node:http';
import * as https from 'node:https';
import { OpenAIClient, wrapOpenAIClientError } from '@langchain/openai';

/** Where a request goes, and what it says besides its body. */
export interface Address {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
}

/** Milliseconds that a connection is kept: servers close theirs after five seconds or more. */
const KEPT_MS = 4_000;
/** Milliseconds that an answer may take to its end when all that matters of it has come. */
const REST_MS = 1_000;
/** Characters of a refusal. */
const REFUSAL_CHARS = 64_000;

const KEPT = { keepAlive: true, timeout: KEPT_MS };
const plainly = new http.Agent({ ...setFor(http.globalAgent), ...KEPT });
const secretly = new https.Agent({ ...setFor(https.globalAgent), ...KEPT });

/**
 * The answer, as soon as it begins; undefined when the endpoint sends the caller elsewhere. Throws what the client
 * does: `APIConnectionError`, or the error of the status. An abort closes the connection, at any time.
 */
export async function ask(
  { url, headers }: Address,
  body: string,
  signal: AbortSignal | undefined,
): Promise<http.IncomingMessage | undefined> {
  const answer = await send({ url, headers }, body, signal);
  const { statusCode = 0 } = answer;
  if (statusCode >= 200 && statusCode < 300) return answer;
  if (statusCode >= 300 && statusCode < 400) {
    answer.destroy();
    return undefined;
  }
  throw await refusalIn(answer, statusCode);
}

/** Nothing more of an answer is of interest: its connection is kept, if it ends soon. */
export function letEnd(answer: http.IncomingMessage): void {
  if (answer.readableEnded || answer.destroyed) return;
  const late = setTimeout(() => answer.destroy(), REST_MS).unref();
  answer.once('close', () => clearTimeout(late));
  answer.on('error', () => undefined);
  answer.resume();
}

/** What is set for all connections of the process: a proxy, by `NODE_USE_ENV_PROXY`. */
function setFor(agent: http.Agent): object {
  return 'options' in agent && typeof agent.options === 'object' ? { ...agent.options } : {};
}

async function send(
  { url, headers }: Address,
  body: string,
  signal: AbortSignal | undefined,
): Promise<http.IncomingMessage> {
  signal?.throwIfAborted();
  const length = { 'content-length': Buffer.byteLength(body) };
  const how = { method: 'POST', headers: { ...headers, ...length } };
  return new Promise((resolve, reject) => {
    const request =
      url.protocol === 'https:'
        ? https.request(url, { ...how, agent: secretly }, resolve)
        : http.request(url, { ...how, agent: plainly }, resolve);
    request.on('error', (cause) => {
      reject(new OpenAIClient.APIConnectionError({ message: cause.message, cause }));
    });
    signal?.addEventListener('abort', () => request.destroy(), { once: true });
    request.end(body);
  });
}

async function refusalIn(answer: http.IncomingMessage, status: number): Promise<unknown> {
  let text = '';
  try {
    answer.setEncoding('utf8');
    for await (const piece of answer) {
      text += String(piece);
      if (text.length > REFUSAL_CHARS) break;
    }
  } catch {
    // The status says enough.
  }
  const known = objectIn(text);
  const message = known === undefined ? text : undefined;
  const { APIError } = OpenAIClient;
  return wrapOpenAIClientError(APIError.generate(status, known, message, headersOf(answer)));
}

/** As the client has them. */
function headersOf({ headers }: http.IncomingMessage): Headers {
  const known = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    for (const one of [value ?? []].flat()) known.append(name, one);
  }
  return known;
}

function objectIn(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
