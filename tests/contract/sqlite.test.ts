import {
  sqliteHalfway,
  sqliteIndexed,
  sqliteIndexing,
  sqlitePlain,
  sqliteRestarted,
} from './backends.ts';
import { describeStore } from './store.ts';

describeStore(sqlitePlain);
describeStore(sqliteIndexing);
describeStore(sqliteIndexed);
describeStore(sqliteHalfway);
describeStore(sqliteRestarted);
