/**
 * Text as terms to search by: folded, split at what is not a letter or a digit, lightly stemmed, without
 * the words that every sentence has. Scripts that put no spaces between words give pairs of characters.
 */

/** Longer words are cut: a term is a key of a map. */
const MAX_TERM_CHARS = 40;

const SPACELESS_CLASS = `[${['Han', 'Hiragana', 'Katakana', 'Thai', 'Lao', 'Khmer', 'Myanmar']
  .map((script) => String.raw`\p{Script=${script}}`)
  .join('')}]`;
const SPACELESS = new RegExp(SPACELESS_CLASS, 'v');
const WORD = new RegExp(
  String.raw`${SPACELESS_CLASS}+|[[\p{L}\p{M}\p{N}]--${SPACELESS_CLASS}]+`,
  'gv',
);

/** Words of questions and of every sentence, in the languages this was tried with; folded. */
const STOP_WORDS: ReadonlySet<string> = new Set(
  `a about after again all also am an and any anyone are as at be been before but by can could did do does doing
   done for from get give got had has have he her here him his how i if in into is it its just know let like
   may me might mine must my no not now of off on or our ours out over please remember said say saying
   says shall she should so some somebody someone something tell than that the their them then there these they thing
   this those to too up us very was we were what when where whether which who whom whose why will with would
   yes you your yours he's she's it's i'm we're you're they're don't doesn't didn't isn't
   s t re ve ll d m ok okay thanks thank
   der die das ein eine einen und oder ist sind war waren wer wie wann wo warum welche welcher welches hat haben hatte
   ich du er sie es wir ihr den dem des im am zu mit von auf fur nicht bitte
   le la les un une des et ou est sont qui que quoi quand comment pourquoi quel quelle je tu il elle nous vous ils de du au aux dans
   el los las una y o es son quien cuando donde como por para en del al que cual`
    .split(/[\s']+/u)
    .filter((word) => word !== ''),
);

/** The terms of a text, in order, with repetitions. Linear in the text. */
export function termsOf(text: string): readonly string[] {
  return plainWordsOf(text).flatMap(termsOfWord);
}

/** The words of a text as they are, folded, stop words and all. Linear in the text. */
export function plainWordsOf(text: string): readonly string[] {
  return fold(text).match(WORD) ?? [];
}

/** The terms of one word as `plainWordsOf` gives it: none of a stop word, pairs of a run of a spaceless script. */
export function termsOfWord(word: string): readonly string[] {
  if (isSpaceless(word)) return pairsOf(word);
  return STOP_WORDS.has(word) ? [] : [stem(word.slice(0, MAX_TERM_CHARS))];
}

/** Whether a word is a run of a script that puts no spaces between words. */
export function isSpaceless(word: string): boolean {
  return SPACELESS.test(word);
}

export interface PlacedWord {
  /** Its characters in the text are `start … end - 1`. */
  readonly start: number;
  readonly end: number;
  readonly word: string;
}

/** Where the words of a text are in it, as they are written there. Linear in what is taken of it. */
export function* placedWordsOf(text: string): Generator<PlacedWord> {
  for (const match of text.matchAll(WORD)) {
    const [word] = match;
    yield { start: match.index, end: match.index + word.length, word };
  }
}

/**
 * Marks in a row, and the four letters that unfold to one at their beginning. Thirty are what UAX #15 (its format
 * that is safe for streams) leaves of them: no script has more, and putting n of them in order takes n² steps.
 */
const MARKS = String.raw`[\p{M}\u0e33\u0eb3\uff9e\uff9f]`;
const MANY_MARKS = new RegExp(`(${MARKS}{30})${MARKS}+`, 'gu');

/**
 * Lower case, compatibility forms, and no Latin accents: `Café` and `cafe` are one word. Some characters
 * unfold to eighteen; what grows to more than twice its length is cut.
 */
function fold(text: string): string {
  return text
    .replace(MANY_MARKS, '$1')
    .normalize('NFKD')
    .slice(0, 2 * text.length + 32)
    .replace(/[\u0300-\u036f]/gu, '')
    .normalize('NFC')
    .toLowerCase();
}

function pairsOf(run: string): readonly string[] {
  const characters = [...run];
  if (characters.length === 1) return [run];
  return characters.slice(1).map((second, i) => `${characters[i]}${second}`);
}

/** Ends that English adds: plural, past, present participle. Coarse, the same on both sides of the search. */
function stem(word: string): string {
  if (word.length < 4 || !/^[a-z]+$/u.test(word)) return word;
  let stemmed = word;
  if (stemmed.endsWith('ies')) stemmed = `${stemmed.slice(0, -3)}y`;
  else if (/[^siu]s$/u.test(stemmed)) stemmed = stemmed.slice(0, -1);
  const shorter = stemmed.replace(/(?:ing|ed)$/u, '');
  if (shorter.length >= 3 && /[aeiouy]/u.test(shorter)) stemmed = shorter;
  if (stemmed.length > 3) stemmed = stemmed.replace(/e$/u, '');
  return stemmed.length > 3 ? stemmed.replace(/([^aeiou])\1$/u, '$1') : stemmed;
}
