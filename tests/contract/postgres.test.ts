import { afterAll } from 'vitest';
import { cached, ONE_CONVERSATION, ROOMY } from './backends.ts';
import { dropDatabases, postgres } from './postgres-backend.ts';
import { describeStore } from './store.ts';

describeStore(postgres);
describeStore(cached(postgres, ROOMY, 'plenty'));
describeStore(cached(postgres, ONE_CONVERSATION, 'one conversation'));

afterAll(dropDatabases);
