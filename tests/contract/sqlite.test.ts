import { sqliteMoving, sqliteMovingFew, sqlitePlain, sqliteRestarted } from './backends.ts';
import { describeStore } from './store.ts';

describeStore(sqlitePlain);
describeStore(sqliteMoving);
describeStore(sqliteMovingFew);
describeStore(sqliteRestarted);
