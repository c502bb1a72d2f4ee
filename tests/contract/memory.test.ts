import { cached, FEW_BYTES, memory, ONE_CONVERSATION, ROOMY } from './backends.ts';
import { describeStore } from './store.ts';

describeStore(memory);
describeStore(cached(memory, ROOMY, 'plenty'));
describeStore(cached(memory, ONE_CONVERSATION, 'one conversation'));
describeStore(cached(memory, FEW_BYTES, 'a few bytes'));
