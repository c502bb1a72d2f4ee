import {
  cached,
  FEW_BYTES,
  ONE_CONVERSATION,
  ROOMY,
  sqliteIndexing,
  sqlitePlain,
} from './backends.ts';
import { describeStore } from './store.ts';

describeStore(cached(sqlitePlain, ROOMY, 'plenty'));
describeStore(cached(sqlitePlain, ONE_CONVERSATION, 'one conversation'));
describeStore(cached(sqliteIndexing, FEW_BYTES, 'a few bytes'));
