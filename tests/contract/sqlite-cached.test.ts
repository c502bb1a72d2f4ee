import {
  cached,
  FEW_BYTES,
  ONE_CONVERSATION,
  ROOMY,
  sqliteMoving,
  sqlitePlain,
} from './backends.ts';
import { describeStore } from './store.ts';

describeStore(cached(sqlitePlain, ROOMY, 'plenty'));
describeStore(cached(sqlitePlain, ONE_CONVERSATION, 'one conversation'));
describeStore(cached(sqliteMoving, FEW_BYTES, 'a few bytes'));
