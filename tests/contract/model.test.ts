import { describeAnyDocumentSequence, describeAnySequence } from './any-sequence.ts';
import {
  cached,
  FEW_BYTES,
  memory,
  ONE_CONVERSATION,
  ROOMY,
  sqliteHalfway,
  sqliteIndexed,
  sqliteIndexing,
  sqliteIndexingFew,
  sqlitePlain,
} from './backends.ts';

describeAnySequence(cached(memory, ROOMY, 'plenty'));
describeAnySequence(cached(memory, ONE_CONVERSATION, 'one conversation'));
describeAnySequence(cached(memory, FEW_BYTES, 'a few bytes'));
describeAnySequence(sqlitePlain);
describeAnySequence(sqliteHalfway);
describeAnySequence(sqliteIndexed);
describeAnySequence(sqliteIndexing);
describeAnySequence(sqliteIndexingFew);
describeAnySequence(cached(sqliteIndexingFew, ONE_CONVERSATION, 'one conversation'));

describeAnyDocumentSequence(cached(memory, ONE_CONVERSATION, 'one conversation'));
describeAnyDocumentSequence(sqlitePlain);
describeAnyDocumentSequence(sqliteIndexing);
