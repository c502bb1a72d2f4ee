import { err, ok } from '../domain/result.ts';
import { amount, duration, oneOf, optional, type Setting, whole, yesOrNo } from './kinds.ts';

const TOKENS = [0, 1_000_000_000_000] as const;
const DAY_MS = 86_400_000;

/** An endpoint that may be left out. A mistake in it is found at start, and not when it would silently be down. */
function endpoint(about: string): Setting<string | undefined> {
  const shape = 'a URL that begins with http:// or https://';
  const read = (value: string) => {
    const url = URL.parse(value.trim());
    const isHttp = url?.protocol === 'http:' || url?.protocol === 'https:';
    return isHttp && url.username === '' ? ok(value.trim()) : err(`must be ${shape}`);
  };
  return { ...optional('none', about), shape, read };
}

/** The settings of the stages around every message, one row each. */
export const PIPELINE = {
  wordFilter: yesOrNo(
    false,
    'Whether messages with English obscenities are refused (422), disguised ones too.',
  ),
  moderationUrl: endpoint(
    'An OpenAI-compatible endpoint, with its version, whose `/moderations` is asked about every message before it is stored: `https://api.openai.com/v1`.',
  ),
  moderationKey: optional('none', 'Key of the moderation endpoint.', { isSecret: true }),
  moderationModel: optional('that of the endpoint', 'The model that moderates.'),
  moderationMs: whole(3_000, [10, 600_000], 'Milliseconds the moderation endpoint may take.'),
  moderationDown: oneOf(
    'allow',
    ['allow', 'refuse'],
    'What happens to messages while the moderation endpoint does not answer. `refuse` answers 503.',
  ),
  moderateAnswers: yesOrNo(
    false,
    'Whether answers of agents go through the word filter and the moderation endpoint, too: sentence by sentence, each shown when it has passed.',
  ),
  participantTokensPerDay: whole(
    0,
    TOKENS,
    'Tokens that the answers to one participant may take in a day (UTC); then agents do not answer them until the next. 0 is no limit.',
  ),
  conversationTokensPerDay: whole(
    0,
    TOKENS,
    'Tokens that the answers in one conversation may take in a day. 0 is no limit.',
  ),
  participantCostPerDay: amount(
    0,
    'What the answers to one participant may cost in a day, in the currency of the prices. 0 is no limit.',
  ),
  conversationCostPerDay: amount(
    0,
    'What the answers in one conversation may cost in a day. 0 is no limit.',
  ),
  inputPrice: amount(0, 'Price of a million tokens that the model reads.'),
  outputPrice: amount(0, 'Price of a million tokens that the model writes.'),
  auditMessages: yesOrNo(
    false,
    'Whether every message that is sent gets a line in the audit log; edits and deletions always do.',
  ),
  auditAge: duration(
    90 * DAY_MS,
    '36500d',
    'Age at which lines of the audit log are let go of. 0 keeps them.',
  ),
} as const;
