import {
  bytes,
  databaseAddress,
  duration,
  oneOf,
  optional,
  optionalWhole,
  storeAddress,
  text,
  whole,
  yesOrNo,
} from './kinds.ts';
import { PIPELINE } from './pipeline.ts';

/**
 * The settings, one row each. The environment, the flags, `--help`, `.env.example` and `docs/configuration.md` come
 * from here: `maxFrameBytes` is `COLLOQUY_MAX_FRAME_BYTES` and `--max-frame-bytes`.
 */

const SERVER = {
  host: text('127.0.0.1', 'Address to listen on. Beyond loopback, put TLS in front.'),
  port: whole(8080, [0, 65_535], 'Port to listen on; 0 takes any free one.'),
  settingsFile: text(
    '.env',
    'File of settings to read, if it is there; the environment wins over it. `none` reads none.',
  ),
  guests: yesOrNo(true, 'Whether people without a token may come in.'),
  guestTokenDays: whole(30, [1, 3_650], "Days that a guest's token is good for."),
  forwardedFor: yesOrNo(
    false,
    'Whether the last address in `X-Forwarded-For` is where a request came from, for the audit log. Only behind a proxy that sets it.',
  ),
  maxConnections: whole(
    20_000,
    [1, 1_000_000],
    'WebSockets and event streams at once; more are refused.',
  ),
  maxBodyBytes: bytes(65_536, [1_024, 2 ** 26], 'Bytes of a REST body at most.'),
  heartbeatMs: whole(30_000, [10, 600_000], 'Milliseconds between pings of a quiet WebSocket.'),
  helloTimeoutMs: whole(10_000, [10, 600_000], 'Milliseconds a WebSocket has to say who it is.'),
  drainMs: whole(
    10_000,
    [0, 3_600_000],
    'Milliseconds that running turns get when the server is told to stop.',
  ),
  logLevel: oneOf(
    'info',
    ['debug', 'info', 'warn', 'error', 'silent'],
    'Which log lines go to stderr.',
  ),
} as const;

const STORAGE = {
  store: storeAddress(
    'sqlite:./data/colloquy.db',
    'Where conversations are kept. `memory:` forgets them when the server stops. Several servers may share a Postgres database.',
  ),
  storePoolSize: whole(
    10,
    [1, 1_000],
    'Connections to Postgres at most, of this server. Two of them are for appends.',
  ),
  storeConnectMs: whole(
    5_000,
    [10, 600_000],
    'Milliseconds a request waits for a connection to Postgres, a free one or a new one.',
  ),
  storeStatementMs: whole(
    15_000,
    [10, 600_000],
    'Milliseconds that Postgres gets for a statement; a second later its answer is not waited for any more.',
  ),
  sqliteSynchronous: oneOf(
    'FULL',
    ['FULL', 'NORMAL'],
    'FULL: an acknowledged message survives a power cut. NORMAL: it survives a crash of the server, and may be lost in a power cut.',
  ),
  cacheBytes: bytes(
    64 * 2 ** 20,
    [0, 2 ** 40],
    'Bytes of the cache in front of the store; 0 turns it off.',
  ),
  cacheConversations: whole(10_000, [0, 10_000_000], 'Conversations in the cache; 0 turns it off.'),
  cacheEvents: whole(
    256,
    [1, 1_000_000],
    'Newest events that the cache keeps of a conversation: who comes back after fewer is served from memory.',
  ),
  retentionAge: duration(
    0,
    '36500d',
    'Age at which events are trimmed from their conversations: `30d`, `12h`. 0 keeps them.',
  ),
  retentionEvents: whole(
    0,
    [0, 1_000_000_000],
    'Events kept of each conversation; older ones are trimmed, some at a time, once there are a tenth more, or 100. 0 keeps them all.',
  ),
  retentionSweepMs: whole(
    60_000,
    [10, 86_400_000],
    'Milliseconds between two looks at all conversations for what is to be trimmed.',
  ),
} as const;

const CONVERSATIONS = {
  mailboxCapacity: whole(
    1_024,
    [1, 1_000_000],
    'Messages that may wait in one conversation; more are refused with 429.',
  ),
  maxParticipants: whole(1_000, [1, 100_000], 'Participants of one conversation.'),
  maxMessageChars: whole(10_000, [1, 1_000_000], 'Characters of one message.'),
  maxFrameBytes: bytes(65_536, [1_024, 2 ** 26], 'Bytes of one WebSocket frame.'),
  maxConversationsPerConnection: whole(
    64,
    [1, 10_000],
    'Conversations that one WebSocket may be in.',
  ),
  outboundBytes: bytes(
    2 ** 20,
    [4_096, 2 ** 30],
    'Unread bytes of a connection above which it is congested, and caught up from the log later.',
  ),
  slowConsumerMs: whole(
    30_000,
    [10, 3_600_000],
    'Milliseconds a connection may stay congested before it is closed with 4002.',
  ),
  idleMs: whole(
    60_000,
    [10, 86_400_000],
    'Milliseconds after which a conversation that nobody uses leaves memory.',
  ),
  maxLiveConversations: whole(200_000, [1, 10_000_000], 'Conversations in memory at once.'),
} as const;

const AGENT = {
  agent: oneOf(
    'auto',
    ['auto', 'openai', 'bedrock', 'offline', 'scripted', 'none'],
    '`openai`: a model on any OpenAI-compatible endpoint. `bedrock`: a model of Amazon Bedrock. `offline`: answers from the conversation itself, without a model. `scripted`: deterministic, for tests and load. `auto`: the model when there is a key, an endpoint or a `bedrock:` model, else `offline`.',
  ),
  agentsFile: optional(
    'none',
    'A YAML or JSON file of agents, each with its model, prompt, tools and manners; its first one is that of new conversations. It takes the place of the settings for the agent, its name, model, prompt and fallbacks.',
  ),
  agentName: text('Assistant', 'What the agent is called. Its id is `assistant`.'),
  model: optional(
    'gpt-4.1-mini with a key alone; none with an endpoint of your own',
    'The model, and before a colon who serves it: `openai:gpt-4.1-mini`, `bedrock:eu.anthropic.claude-sonnet-4-5-20250929-v1:0`. Without a provider it is one of `openai`.',
  ),
  fallbackModel: optional(
    'none',
    'The model that is asked when the first one does not answer, with the same key and endpoint. What it answers is marked `degraded`.',
  ),
  offlineFallback: yesOrNo(
    false,
    'Whether the offline agent answers, marked `degraded`, when no model does.',
  ),
  awsRegion: optional('none', 'Region of a Bedrock model. `AWS_REGION` is read, too.', {
    hasPlainName: true,
  }),
  bedrockEndpoint: optional(
    "AWS's for the region",
    'Another endpoint for Bedrock, such as that of a VPC.',
  ),
  openaiApiKey: optional('none', 'Key of the endpoint. `OPENAI_API_KEY` is read, too.', {
    isSecret: true,
    hasPlainName: true,
  }),
  openaiBaseUrl: optional(
    "OpenAI's own",
    'An OpenAI-compatible endpoint, with its version: `http://127.0.0.1:11434/v1`. `OPENAI_BASE_URL` is read, too.',
    { hasPlainName: true },
  ),
  systemPrompt: optional(
    'none',
    'What the model is told besides the words that every turn begins with.',
  ),
  contextTokens: whole(8_000, [100, 10_000_000], 'Tokens of a prompt at most.'),
  summaryTokens: whole(
    6_000,
    [0, 10_000_000],
    'Tokens of history without a summary above which the model makes one, in the background. 0 makes none.',
  ),
  recalledMessages: whole(
    4,
    [0, 50],
    'Earlier messages that a search may bring into a prompt that has no room for all; 0 for none.',
  ),
  historyMessages: whole(200, [1, 10_000], 'The newest messages that the model may see.'),
  firstTokenMs: whole(
    30_000,
    [10, 3_600_000],
    'Milliseconds the model may take to its first token.',
  ),
  stallMs: whole(15_000, [10, 3_600_000], 'Milliseconds between two tokens of the model.'),
  turnDeadlineMs: whole(
    120_000,
    [1, 86_400_000],
    'Milliseconds one answer may take, retries and all; what it waits for people does not count.',
  ),
  approvalMs: whole(
    900_000,
    [1_000, 604_800_000],
    'Milliseconds that a tool call waits for somebody to approve or reject it; then it is not done.',
  ),
  debounceMs: whole(
    1_500,
    [1, 600_000],
    'Milliseconds without a new message after which the agent answers, where `while_busy` is `debounce`.',
  ),
  maxHops: whole(
    4,
    [0, 100],
    'Messages of agents in a row of which each may ask the next agent; 0: agents never ask agents.',
  ),
  maxAgentTurns: whole(
    16,
    [0, 10_000],
    'Answers of agents to agents that may follow from one message of a person.',
  ),
  turnLeaseMs: whole(
    20_000,
    [1_000, 3_600_000],
    'Milliseconds without a sign of life after which another server of the same Postgres takes an answer over.',
  ),
  maxAnswerChars: whole(100_000, [1, 10_000_000], 'Characters of an answer; a longer one is cut.'),
  maxQueuedTurns: whole(
    16,
    [1, 10_000],
    'Answers of one agent that may be open in one conversation.',
  ),
  agentTokensPerSecond: whole(
    50,
    [0, 1_000_000],
    'Pace of `scripted` and `offline`; 0 is all at once.',
  ),
  agentTokens: whole(40, [1, 10_000], 'Tokens of an answer of `scripted`.'),
} as const;

const TOOLS = {
  tools: optional(
    'all there are',
    'The tools that the agent may call, with commas between them: `current_time`, `search_documents`, `search_conversation`, `query_database`, `web_search`, and those of MCP servers as `SERVER__TOOL` or `SERVER__*`. `none`: no tools.',
  ),
  toolApproval: optional(
    'none',
    'The tools that the agent may call only after somebody allowed it, each time; besides those that the file of MCP servers says.',
  ),
  maxModelCalls: whole(
    12,
    [1, 100],
    'Answers of the model in one turn, those that ask for tools included.',
  ),
  maxToolCalls: whole(24, [0, 48], 'Calls of tools in one turn.'),
  queryDatabase: databaseAddress(
    'none',
    'A database that `query_database` may read. Give it a user that may read what anybody who talks to the agent may see, and nothing else.',
  ),
  queryRole: optional('that of the user', 'The role in Postgres whose rights the queries have.'),
  queryMs: whole(5_000, [10, 600_000], 'Milliseconds that a query may take.'),
  queryRows: whole(
    100,
    [1, 10_000],
    'Rows that a query gives at most; they must fit into 7,000 characters.',
  ),
  webSearch: oneOf(
    'none',
    ['none', 'searxng', 'tavily', 'brave'],
    'Who answers `web_search`. SearXNG needs its URL, the others a key.',
  ),
  webSearchUrl: optional("the provider's own", 'Address of the web search.'),
  webSearchKey: optional('none', 'Key for the web search.', { isSecret: true }),
  mcpFile: optional('none', 'A JSON file of MCP servers whose tools the agent may call.'),
} as const;

const SEARCH = {
  embedder: oneOf(
    'hashing',
    ['hashing', 'openai', 'none'],
    'What makes the vectors that are searched by nearness. `hashing`: words and their parts, without a model. `openai`: a model on any OpenAI-compatible endpoint. `none`: search is by words alone. A change is found at start, and everything embedded anew in the background.',
  ),
  embeddingModel: optional(
    'text-embedding-3-small',
    'The model of the embedder `openai`; an endpoint of your own needs one.',
  ),
  embeddingDimensions: optionalWhole(
    "768 for `hashing`; for OpenAI's models, what they have",
    [16, 8_192],
    'Numbers of a vector. A model that is not one of OpenAI’s needs it: as many as its vectors have.',
  ),
  embeddingBaseUrl: optional(
    'that of the agent',
    'An OpenAI-compatible endpoint for the embedder, with its version. The key of the agent is not sent there.',
  ),
  embeddingApiKey: optional(
    "the agent's, unless the endpoint is another",
    'Key of the endpoint of the embedder.',
    { isSecret: true },
  ),
  embeddingTimeoutMs: whole(
    10_000,
    [10, 600_000],
    'Milliseconds one call of the embedder may take.',
  ),
} as const;

const DOCUMENTS = {
  maxDocumentBytes: bytes(
    5 * 2 ** 20,
    [1_024, 2 ** 26],
    'Bytes of a document that is uploaded, or of the JSON around it.',
  ),
  maxDocumentChunks: whole(
    10_000,
    [1, 100_000],
    'Pieces of about 1,000 characters that a document may have.',
  ),
  maxDocuments: whole(1_000, [1, 10_000_000], 'Documents that one participant may own.'),
  extractMs: whole(
    20_000,
    [10, 600_000],
    'Milliseconds that it may take to find the text in a document.',
  ),
} as const;

export const SETTING_GROUPS = {
  Server: SERVER,
  Storage: STORAGE,
  Conversations: CONVERSATIONS,
  Agent: AGENT,
  Pipeline: PIPELINE,
  Tools: TOOLS,
  Search: SEARCH,
  Documents: DOCUMENTS,
} as const;

export const SETTINGS = {
  ...SERVER,
  ...STORAGE,
  ...CONVERSATIONS,
  ...AGENT,
  ...PIPELINE,
  ...TOOLS,
  ...SEARCH,
  ...DOCUMENTS,
} as const;
