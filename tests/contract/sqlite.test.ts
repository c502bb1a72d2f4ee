import {
  sqliteHalfway,
  sqliteIndexed,
  sqliteIndexing,
  sqlitePlain,
  sqliteRestarted,
} from './backends.ts';
import { describeLog, describeStore } from './store.ts';

describeStore(sqlitePlain);
describeStore(sqliteIndexing);
describeLog(sqliteIndexed);
describeLog(sqliteHalfway);
describeStore(sqliteRestarted);
