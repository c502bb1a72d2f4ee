import type { Author } from '../../client/index.ts';
import { SparkIcon } from './icons.tsx';

const TINTS = 8;

/** A participant at a glance. Says nothing that the name beside it does not say. */
export function Avatar({ of }: { of: Pick<Author, 'id' | 'name' | 'kind'> }) {
  if (of.kind === 'agent') {
    return (
      <span class="avatar avatar-agent" aria-hidden="true">
        <SparkIcon />
      </span>
    );
  }
  return (
    <span class={`avatar tint-${tintOf(of.id)}`} aria-hidden="true">
      {initialsOf(of.name)}
    </span>
  );
}

function tintOf(id: string): number {
  let sum = 0;
  for (const letter of id) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 65_521;
  return sum % TINTS;
}

function initialsOf(name: string): string {
  const words = name.trim().split(/\s+/);
  const letters = [words[0], words.length > 1 ? words.at(-1) : undefined].map(
    (word) => Array.from(word ?? '')[0] ?? '',
  );
  return letters.join('').toLocaleUpperCase();
}
