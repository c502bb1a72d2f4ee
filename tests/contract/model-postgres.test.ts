import { afterAll } from 'vitest';
import { describeAnyDocumentSequence, describeAnySequence } from './any-sequence.ts';
import { cached, ONE_CONVERSATION } from './backends.ts';
import { dropDatabases, postgres } from './postgres-backend.ts';

describeAnySequence(postgres);
describeAnySequence(cached(postgres, ONE_CONVERSATION, 'one conversation'));
describeAnyDocumentSequence(postgres);

afterAll(dropDatabases);
