import { afterEach, beforeEach, describe } from 'vitest';
import type { Store } from '../../storage/store.ts';
import { appending } from './appending.ts';
import type { Backend, Place } from './backend.ts';
import { conversations } from './conversations.ts';
import { documentVisibility } from './document-visibility.ts';
import { documents } from './documents.ts';
import { erasing } from './erasing.ts';
import { findingChunks } from './finding-chunks.ts';
import { keys } from './keys.ts';
import { lasting } from './lasting.ts';
import { messageIndex } from './message-index.ts';
import { messageVectors } from './message-vectors.ts';
import { messagesAsTheyStand } from './messages-as-they-stand.ts';
import { notes } from './notes.ts';
import { overview } from './overview.ts';
import { reading } from './reading.ts';
import { spaces } from './spaces.ts';
import { summaries } from './summaries.ts';
import { text } from './text.ts';
import { trimming } from './trimming.ts';
import { turns } from './turns.ts';

/** What the parts of the suite get: the store of the test that runs, and a way to have it anew. */
export interface Subject {
  readonly backend: Backend;
  readonly store: Store;
  /** Closes the store and opens it again, on the same data where the backend keeps any. */
  readonly reopen: () => Promise<Store>;
}

/** Every promise of the Store port, held against one backend. Titles are the promises. */
export function describeStore(backend: Backend): void {
  describeParts(backend, [...LOG, ...SEARCH]);
}

/** The promises about logs alone, for a backend whose log is in a state of its own and whose search is another's. */
export function describeLog(backend: Backend): void {
  describeParts(backend, LOG);
}

function describeParts(backend: Backend, parts: readonly ((subject: Subject) => void)[]): void {
  describe(`the store contract: ${backend.name}`, () => {
    let place: Place;
    let store: Store;

    beforeEach(async () => {
      place = await backend.place();
      store = await place.open();
    });

    afterEach(async () => {
      await store.close();
      await place.clear();
    });

    const subject: Subject = {
      backend,
      get store() {
        return store;
      },
      reopen: async () => {
        await store.close();
        store = await place.open();
        return store;
      },
    };

    for (const part of parts) part(subject);
  });
}

/** What a log promises. */
const LOG = [
  conversations,
  appending,
  keys,
  reading,
  messagesAsTheyStand,
  erasing,
  trimming,
  turns,
  summaries,
  notes,
  overview,
  text,
  lasting,
];
/** What is found by words and by nearness. */
const SEARCH = [documents, documentVisibility, findingChunks, spaces, messageIndex, messageVectors];
