import {
  cached,
  FEW_BYTES,
  ONE_CONVERSATION,
  ROOMY,
  sqliteIndexing,
  sqlitePlain,
} from './backends.ts';
import { describeLog, describeStore } from './store.ts';

describeStore(cached(sqlitePlain, ROOMY, 'plenty'));
describeStore(cached(sqlitePlain, ONE_CONVERSATION, 'one conversation'));
describeLog(cached(sqliteIndexing, FEW_BYTES, 'a few bytes'));
