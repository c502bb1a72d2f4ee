import { isId } from '../../src/domain/ids.ts';
import { ok, type Result } from '../../src/domain/result.ts';
import type { Unavailable } from '../unavailable.ts';
import type { KnownSpace, Space, VectorSpaces } from '../vector-spaces.ts';
import type { SpaceTable } from './space-table.ts';

export interface SpaceParts {
  readonly spaces: SpaceTable;
  readonly look: <T>(answer: () => T) => Result<T, Unavailable>;
  /** Runs a change in the next commit. */
  readonly change: <T>(perform: () => Result<T, never>) => Promise<Result<T, Unavailable>>;
  /** Something was dropped: what is left of it waits for the purge. */
  readonly rubbishLeft: () => void;
}

/** The vector spaces: a row each. */
export class SqliteSpaces implements VectorSpaces {
  readonly #parts: SpaceParts;

  constructor(parts: SpaceParts) {
    this.#parts = parts;
  }

  async list(): Promise<Result<readonly KnownSpace[], Unavailable>> {
    return this.#parts.look(() => this.#parts.spaces.list());
  }

  async add(space: Space): Promise<Result<void, Unavailable>> {
    assertName(space);
    const { change, spaces } = this.#parts;
    return change(() => ok(spaces.add(space)));
  }

  async use(space: Space): Promise<Result<void, Unavailable>> {
    assertName(space);
    const { change, spaces, rubbishLeft } = this.#parts;
    const used = await change(() => ok(spaces.use(space)));
    rubbishLeft();
    return used;
  }
}

function assertName({ name }: Space): void {
  if (!isId(name)) throw new TypeError(`not the name of a space: ${name}`);
}
