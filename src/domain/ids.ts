declare const brand: unique symbol;
type Branded<B extends string> = string & { readonly [brand]: B };

/** Ids are opaque: 1 to 128 of `A-Z a-z 0-9 . _ ~ : -`. A brand says that the text was checked. */
export type ConversationId = Branded<'conversation'>;
export type ParticipantId = Branded<'participant'>;
export type TurnId = Branded<'turn'>;
export type DocumentId = Branded<'document'>;
/** Made with a conversation; differs when an id is used again after a deletion or a lost store. */
export type Epoch = Branded<'epoch'>;

export const ID_PATTERN = /^[A-Za-z0-9._~:-]{1,128}$/;

export function isId(text: string): boolean {
  return ID_PATTERN.test(text);
}

function parser<T extends string>(what: string): (text: string) => T {
  return (text) => {
    if (!isId(text)) throw new TypeError(`not a ${what} id`);
    return text as T;
  };
}

/** Brands of text that a schema or a store has already checked; a bad id is a broken invariant and throws. */
export const conversationId = parser<ConversationId>('conversation');
export const participantId = parser<ParticipantId>('participant');
export const turnId = parser<TurnId>('turn');
export const documentId = parser<DocumentId>('document');
export const epoch = parser<Epoch>('epoch');

/** 120 random bits after a short prefix that tells people what they look at: `c_…`, `p_…`, `t_…`, `d_…`. */
function fresh(prefix: string): string {
  return `${prefix}_${randomText(15)}`;
}

/** So many random bytes in the characters of an id. */
function randomText(bytes: number): string {
  const random = crypto.getRandomValues(new Uint8Array(bytes));
  return btoa(String.fromCharCode(...random))
    .replaceAll('+', '-')
    .replaceAll('/', '_');
}

/** Of what has no kind of id of its own. */
export const newId = () => randomText(15);
export const newConversationId = () => fresh('c') as ConversationId;
export const newParticipantId = () => fresh('p') as ParticipantId;
export const newTurnId = () => fresh('t') as TurnId;
export const newDocumentId = () => fresh('d') as DocumentId;
/** 72 random bits: an epoch tells two lives of one conversation id apart, and prefixes its event ids. */
export const newEpoch = () => randomText(9) as Epoch;

/** Unique for ever: the epoch is unique to this life of the conversation, the seq within it. */
export function eventId(of: Epoch, seq: number): string {
  return `${of}.${seq}`;
}
