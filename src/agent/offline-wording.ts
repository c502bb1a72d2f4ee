import { oneLine } from '../text/plain-text.ts';
import { plainWordsOf } from '../text/terms.ts';
import type { Passage } from './document-recall.ts';
import type { Recall } from './recall.ts';

/** What the first answer in a conversation ends with. */
export const NO_MODEL =
  'No language model is configured, so I can only look up what was said in this conversation. ' +
  'To connect one, start the server with COLLOQUY_AGENT=openai and OPENAI_API_KEY, or with ' +
  'COLLOQUY_OPENAI_BASE_URL and COLLOQUY_MODEL for an endpoint of your own.';

/** What those get who ask later on. */
export const NO_MODEL_BRIEF =
  'No language model is configured: I look up what was said here, and say where. ' +
  'COLLOQUY_AGENT=openai with OPENAI_API_KEY (or COLLOQUY_OPENAI_BASE_URL and COLLOQUY_MODEL) connects one.';

/** What an answer in the place of a model ends with. */
export const MODEL_AWAY =
  'The language model does not answer just now, so I looked up what was said in this conversation. ' +
  'Ask again in a moment.';

export interface Occasion {
  readonly question: string;
  readonly askedBy: string;
  readonly triggerSeq: number;
  readonly recall: Recall;
  /** The agent has not spoken here before, as far back as it looked. */
  readonly isFirst: boolean;
  /** There are older messages than those that were looked through. */
  readonly hasOlder: boolean;
  /** There is a model, and it does not answer. */
  readonly standsIn: boolean;
  /** What documents have on it. */
  readonly passages: readonly Passage[];
}

/** Whether something is asked, as far as the words tell. */
export function asksSomething(question: string): boolean {
  return isQuestion(question, plainWordsOf(question.slice(0, 1_000)));
}

/** The answer, the same for the same occasion: what was found, who said it and where, then what this agent is. */
export function word(occasion: Occasion): string {
  const words = plainWordsOf(occasion.question.slice(0, 1_000));
  const asksAboutAgent = isAboutAgent(words);
  const parts: string[] = [];
  if (occasion.recall.quotes.length > 0)
    parts.push(quoted(occasion, isQuestion(occasion.question, words)));
  if (occasion.passages.length > 0) parts.push(...occasion.passages.map(passage));
  if (parts.length === 0 && !asksAboutAgent) parts.push(nothingFound(occasion, words));
  if (occasion.standsIn) parts.push(MODEL_AWAY);
  else if (occasion.isFirst) parts.push(NO_MODEL);
  else if (asksAboutAgent) parts.push(NO_MODEL_BRIEF);
  return parts.join('\n\n');
}

function quoted({ recall }: Occasion, asks: boolean): string {
  return recall.quotes
    .map(({ seq, name, text }, i) => {
      const said =
        i > 0 ? `${name} also said` : asks ? `${name} said` : `That goes with what ${name} said`;
      return `${said}: “${text}” [#${seq}]`;
    })
    .join('\n');
}

function passage({ title, text }: Passage): string {
  return `The document “${title}” has: “${text}”`;
}

function nothingFound(
  { question, askedBy, triggerSeq, recall, hasOlder }: Occasion,
  words: readonly string[],
): string {
  if (words.length <= 3 && words.some((w) => GREETINGS.has(w)))
    return `Hello, ${oneLine(askedBy)}! Ask me about anything that was said here.`;
  if (!isQuestion(question, words))
    return `Noted [#${triggerSeq}]. Ask me about it later, and I will look it up.`;
  if (recall.searched === 0) return 'I found nothing: nobody has said anything here before.';
  const messages = recall.searched === 1 ? 'the one message' : `${recall.searched} messages`;
  return `I found nothing relevant in ${hasOlder ? 'the newest ' : ''}${messages} of this conversation that I looked through.`;
}

const GREETINGS: ReadonlySet<string> = new Set(
  'hi hello hey hallo hola salut bonjour moin ciao greetings'.split(' '),
);

const QUESTION_WORDS: ReadonlySet<string> = new Set(
  `what when where which who whom whose why how is are was were do does did can could will would should has have
   wer wie was wann wo warum welche welcher welches qui que quoi quand comment pourquoi quel quelle ou
   quien cuando donde como cual find search show tell summarize summarise recap remind`.split(
    /\s+/u,
  ),
);

function isQuestion(question: string, words: readonly string[]): boolean {
  return /[?？؟]/u.test(question) || QUESTION_WORDS.has(words[0] ?? '');
}

const MODELS: ReadonlySet<string> = new Set(
  'openai llm llms gpt chatgpt ollama vllm chatbot'.split(' '),
);
const WITH_MODEL: ReadonlySet<string> = new Set(
  'configure configured configuration language you your ai no'.split(' '),
);

/** "Who are you?", "What can you do?", "help", "Which model do you use?", "How do I configure a model?" */
function isAboutAgent(words: readonly string[]): boolean {
  if (words.some((w) => MODELS.has(w))) return true;
  if ((words.includes('model') || words.includes('models')) && words.some((w) => WITH_MODEL.has(w)))
    return true;
  if (words.length > 8) return false;
  const said = words.join(' ');
  return (
    said === 'help' ||
    /\b(?:who|what) are you\b|\bwhat can you do\b|\bare you (?:an? )?(?:ai|bot|human|robot)\b/u.test(
      said,
    )
  );
}
