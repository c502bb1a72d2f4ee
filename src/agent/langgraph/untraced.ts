import { BaseCallbackHandler } from '@langchain/core/callbacks/base';

/**
 * Stands where LangChain would put its tracer: with `LANGSMITH_TRACING` in the environment, meant for whatever else
 * runs there, it would send every prompt and every answer to another company, behind the configuration's back.
 */
class NoTracer extends BaseCallbackHandler {
  override readonly name = 'langchain_tracer';
  override readonly ignoreLLM = true;
  override readonly ignoreChain = true;
  override readonly ignoreAgent = true;
  override readonly ignoreRetriever = true;
  override readonly ignoreCustomEvent = true;

  /** What LangChain asks its tracer for: the trace of the run. There is none. */
  getRunTreeWithTracingConfig(): undefined {
    return undefined;
  }
}

/** Given to every run of LangChain's. */
export const UNTRACED: readonly BaseCallbackHandler[] = [new NoTracer()];
