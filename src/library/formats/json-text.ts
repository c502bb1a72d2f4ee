import { ok, type Result } from '../../domain/result.ts';
import { decoded, type TextOf, tooMuchText, type Unreadable, unreadable } from './text-format.ts';

/** Levels of objects and lists, beyond which nothing is read. */
const MAX_DEPTH = 100;

interface Place {
  readonly path: string;
  readonly value: unknown;
  readonly depth: number;
}

/**
 * A line for each value, `users[0].name: Ada`, in the order of the file; text without a path as it is. Empty
 * objects, empty lists, and null say nothing to a reader.
 */
export const jsonText: TextOf = (bytes, maxChars) => {
  const text = decoded(bytes);
  if (!text.ok) return text;
  let root: unknown;
  try {
    root = JSON.parse(text.value);
  } catch {
    return unreadable('The document is not JSON.');
  }
  return flattened(root, maxChars);
};

/** Not by recursion: what people upload is as deep as they like. */
function flattened(root: unknown, maxChars: number): Result<string, Unreadable> {
  const lines: string[] = [];
  let chars = 0;
  const todo: Place[] = [{ path: '', value: root, depth: 0 }];
  for (let place = todo.pop(); place !== undefined; place = todo.pop()) {
    const { path, value, depth } = place;
    if (typeof value === 'object' && value !== null) {
      if (depth === MAX_DEPTH) return unreadable(`The JSON has more than ${MAX_DEPTH} levels.`);
      const inner = inside(place);
      for (let i = inner.length - 1; i >= 0; i -= 1) todo.push(inner[i] as Place);
    } else if (value !== null) {
      const line = path === '' ? String(value) : `${path}: ${value}`;
      chars += line.length + 1;
      // A long name above many values is in each of their lines.
      if (chars > maxChars) return tooMuchText(maxChars);
      lines.push(line);
    }
  }
  return ok(lines.join('\n'));
}

function inside({ path, value, depth }: Place): readonly Place[] {
  if (Array.isArray(value)) {
    return value.map((each, i) => ({ path: `${path}[${i}]`, value: each, depth: depth + 1 }));
  }
  return Object.entries(value as object).map(([name, each]) => ({
    path: path === '' ? name : `${path}.${name}`,
    value: each,
    depth: depth + 1,
  }));
}
