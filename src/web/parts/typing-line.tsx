import { listOf } from '../words.ts';

/** Who is typing. It keeps its place when nobody is, so that nothing jumps. */
export function TypingLine({ names }: { names: readonly string[] }) {
  return (
    <p class="typing" aria-live="off">
      {names.length > 0 && (
        <>
          <span class="typing-dots" aria-hidden="true">
            <i />
            <i />
            <i />
          </span>
          {listOf(names)} {names.length === 1 ? 'is' : 'are'} typing…
        </>
      )}
    </p>
  );
}
