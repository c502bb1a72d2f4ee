import type { FoundChunk, ToolPorts, Trouble } from './agent/tools/ports.ts';
import type { Document } from './domain/document.ts';
import type { ParticipantId } from './domain/ids.ts';
import { ok, type Result } from './domain/result.ts';
import type { Library } from './library/library.ts';
import type { Log } from './observability/log.ts';
import type { Meters } from './observability/meters.ts';
import type { ConversationSearch } from './search/conversation-search.ts';

export interface ToolPortParts {
  /** Asked for when a tool needs it: agents are opened before the store is. */
  readonly library: () => Library;
  readonly search: () => ConversationSearch;
  readonly now: () => number;
  readonly meters: Meters;
  readonly log: Log;
}

/** Chunks that are looked at for each one that is shown, where several people must be allowed to see it. */
const SPARE = 4;

/** What the tools of agents reach of this process. */
export function toolPorts({ library, search, now, meters, log }: ToolPortParts): ToolPorts {
  return {
    searchDocuments: async ({ seenBy, text, limit }) => {
      const [first, ...others] = seenBy;
      if (first === undefined) return ok([]);
      const most = others.length === 0 ? limit : limit * SPARE;
      const query = { seenBy: first, text, mode: 'hybrid', limit: most } as const;
      const found = await library().search(query);
      if (!found.ok) return found;
      const shown = await seenByAll(library(), found.value.items, others);
      return shown.ok ? ok(shown.value.slice(0, limit)) : shown;
    },
    searchConversation: async ({ conversationId, text, limit }) => {
      const found = await search().search(conversationId, { text, mode: 'hybrid', limit });
      return found.ok ? ok(found.value.items) : { ok: false, failure: { cause: found.failure } };
    },
    onRan: (tool, how, tookMs) => {
      const ran = meters.toolCalls(tool, how);
      ran.count += 1;
      ran.ms += tookMs;
    },
    now,
    report: (event, about) =>
      event === 'mcp_connected' ? log.info(event, about) : log.warn(event, about),
  };
}

/** Those of documents that every one of these people may see, too. */
async function seenByAll(
  library: Library,
  found: readonly FoundChunk[],
  others: readonly ParticipantId[],
): Promise<Result<readonly FoundChunk[], Trouble>> {
  const documents = new Map(found.map(({ document }) => [document.id, document]));
  const hidden = new Set<Document['id']>();
  for (const other of others) {
    for (const id of documents.keys()) {
      const seen = hidden.has(id) ? undefined : await library.find(id, other);
      if (seen === undefined || seen.ok) continue;
      if (seen.failure.reason !== 'document_not_found') return seen;
      hidden.add(id);
    }
  }
  return ok(found.filter(({ document }) => !hidden.has(document.id)));
}
