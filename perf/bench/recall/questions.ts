/** A question of somebody new to the project, and passages of its documentation, any of which answers it. */
export interface Question {
  readonly question: string;
  readonly answers: readonly string[];
}

/** Written from the documentation, without a look at what the search finds. */
export const QUESTIONS: readonly Question[] = [
  {
    question: 'How do I use Ollama or another local model?',
    answers: ['--openai-base-url http://127.0.0.1:11434/v1'],
  },
  { question: 'Which version of Node do I need?', answers: ['You need git, npm with Node'] },
  {
    question: 'What happens to messages when the server is killed?',
    answers: ['Kill the server with `kill -9`', 'it is there after `kill -9`'],
  },
  {
    question: 'Can I lose messages in a power cut?',
    answers: ['may be lost in a power cut', 'it survives a crash of the server, and may be lost'],
  },
  {
    question: 'Why was my client disconnected with 4002?',
    answers: ['gets `bye` and 4002', 'a slow one is caught up or closed with 4002'],
  },
  {
    question: 'How does a client resume after it lost its connection?',
    answers: ['reconnect and join with the last `seq`'],
  },
  {
    question: 'How can I send a message again without storing it twice?',
    answers: [
      'A send with an idempotency `key` is stored at most once',
      'stored at most once, for ever',
      'The key makes it safe to send again',
    ],
  },
  { question: 'What is an epoch?', answers: ['One life of a conversation id'] },
  {
    question: 'How long may a message be?',
    answers: ['a message 10,000 characters', 'Characters of one message'],
  },
  {
    question: "Who is allowed to delete somebody else's message?",
    answers: [
      'a sender edits and deletes its own messages, an owner any',
      'The sender, or an owner, edits and deletes',
    ],
  },
  {
    question: 'Why JSON and not a binary protocol?',
    answers: ['A binary encoding is smaller and would cost each client a library'],
  },
  {
    question: 'Why is uWebSockets.js not installed from git?',
    answers: ['An install from git needs access to it'],
  },
  { question: 'What reads the text of PDF files?', answers: ['The text of a PDF'] },
  {
    question: 'Which package validates requests?',
    answers: ['The schemas of every frame and body'],
  },
  {
    question: 'How much memory does a conversation take?',
    answers: [
      'live, an agent and an owner in each',
      'an idle root actor takes',
      'kB for each live conversation',
    ],
  },
  {
    question: 'How fast is it compared with a plain WebSocket relay?',
    answers: ['is the ratio of the medians of acknowledged messages a second'],
  },
  { question: 'How do I list all settings?', answers: ['`npm start -- --help` lists them'] },
  {
    question: 'What if I write something while the agent is still answering?',
    answers: [
      '`while_busy` is `enqueue`',
      '`interrupt` and `rollback` end the running turn',
      '`enqueue` answers one after the other',
    ],
  },
  {
    question: 'How do I mention the assistant?',
    answers: ['`@assistant` mentions it', "look for `@` and the agent's id or name"],
  },
  {
    question: 'Which error do I get when I send too many requests?',
    answers: ['| 429 | `mailbox_full`'],
  },
  {
    question: 'Are several messages committed to disk together?',
    answers: [
      'the store gathers their appends into one transaction',
      'One transaction of the store for the batches',
    ],
  },
  {
    question: 'Which optimisations were tried and did not help?',
    answers: ['Frames as strings and not as bytes'],
  },
  {
    question: 'Can two servers open the same SQLite file?',
    answers: ['A second server on the same file is refused', 'one; a second is refused'],
  },
  {
    question: 'How do I follow a conversation with server-sent events?',
    answers: ['SSE `id:` is the seq'],
  },
  {
    question: 'How does a guest get a token?',
    answers: ['gives a guest token where guests are allowed', '(a guest’s:', "(a guest's:"],
  },
  { question: 'What does congested mean?', answers: ['Having more unread bytes than the budget'] },
  {
    question: 'What is left of a message after it was deleted?',
    answers: ['a later read of the target shows `deleted: true`', 'What is deleted stays deleted'],
  },
  {
    question: 'Why does each conversation have its own XState actor?',
    answers: ['Each conversation is an XState root actor of its own'],
  },
  {
    question: 'Which source files does a message pass on its way from the socket to the readers?',
    answers: ['One message, from the socket to the readers'],
  },
  {
    question: 'Which states can a turn of the agent be in?',
    answers: ['queued --> thinking: START', '`completed`, `cancelled`, `superseded`, `failed`'],
  },
];
