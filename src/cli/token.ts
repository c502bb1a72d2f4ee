import { printable } from '../config.ts';
import { isId, participantId } from '../domain/ids.ts';
import type { Author } from '../domain/participant.ts';
import { NameField } from '../protocol/fields.ts';
import { loadSettings } from './settings.ts';
import { UsageError } from './usage-error.ts';
import { withStore } from './with-store.ts';

const SECONDS_A_DAY = 86_400;
const DEFAULT_DAYS = 30;
const MAX_DAYS = 3_650;
const OWN_FLAGS = ['--id', '--name', '--days'] as const;
type OwnFlag = (typeof OWN_FLAGS)[number];

/** Prints a token. Whoever may read the store may be anybody in it: that is the operator. */
export async function signToken(args: readonly string[]): Promise<void> {
  const isAdmin = args.includes('--admin');
  const { own, rest } = split(args.filter((arg) => arg !== '--admin'));
  const { config } = loadSettings(rest);
  const { id, name, days } = checked(own);
  const { Identity, signingSecret } = await import('../http/identity.ts');
  const secret = await withStore(config, (store) => signingSecret(store));
  if (!secret.ok) throw new UsageError(`the store at ${printable(config).store} does not answer`);
  const identity = new Identity({
    secret: secret.value,
    allowsGuests: false,
    guestTokenSeconds: 0,
    now: Date.now,
  });
  const who: Author = { id, name, kind: 'human' };
  const token = await identity.sign(who, days * SECONDS_A_DAY, { isAdmin });
  process.stdout.write(`${token}\n`);
}

function checked(own: ReadonlyMap<OwnFlag, string>) {
  const id = own.get('--id') ?? '';
  const name = NameField.safeParse(own.get('--name'));
  const days = Number(own.get('--days') ?? DEFAULT_DAYS);
  const mistakes: string[] = [];
  if (!isId(id)) mistakes.push('--id must be 1 to 128 of A-Z a-z 0-9 . _ ~ : -');
  if (!name.success) mistakes.push('--name must be 1 to 64 characters');
  if (!Number.isInteger(days) || days < 1 || days > MAX_DAYS) {
    mistakes.push(`--days must be a whole number, 1 to ${MAX_DAYS}`);
  }
  if (mistakes.length > 0 || !name.success) throw new UsageError(mistakes.join('; '));
  return { id: participantId(id), name: name.data, days };
}

/** The flags of this command, as `--id x` or `--id=x`, and those that are settings. */
function split(args: readonly string[]) {
  const own = new Map<OwnFlag, string>();
  const rest: string[] = [];
  for (let at = 0; at < args.length; at += 1) {
    const arg = args[at] ?? '';
    const [flag = '', ...inline] = arg.split('=');
    const name = OWN_FLAGS.find((one) => one === flag);
    if (name === undefined) rest.push(arg);
    else if (arg.includes('=')) own.set(name, inline.join('='));
    else {
      at += 1;
      own.set(name, args[at] ?? '');
    }
  }
  return { own, rest };
}
