import {
  sqliteHalfway,
  sqliteMoved,
  sqliteMoving,
  sqlitePlain,
  sqliteRestarted,
} from './backends.ts';
import { describeStore } from './store.ts';

describeStore(sqlitePlain);
describeStore(sqliteMoving);
describeStore(sqliteMoved);
describeStore(sqliteHalfway);
describeStore(sqliteRestarted);
