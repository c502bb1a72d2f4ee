import type { Agent } from '../../../actors/agent-port.ts';
import type { ModelOptions } from './options.ts';

/** Under way: the next commit of this folder brings it. */
export function langGraphAgent(options: ModelOptions): Agent {
  throw new Error(`no model agent yet for ${options.model}`);
}
