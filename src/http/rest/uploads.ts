import { type Failure, failure } from '../../domain/failure.ts';
import type { ParticipantId } from '../../domain/ids.ts';
import { err, ok, type Result } from '../../domain/result.ts';

/** Uploads whose bytes are in memory at once. */
const MAX_UPLOADS = 32;
/** Of one participant. */
const MAX_EACH = 4;

/** A place among the uploads of the server, from the first byte to the answer. */
export interface UploadSlot {
  /** Says whose it is: 429 when they have as many as they may. */
  readonly claim: (who: ParticipantId) => Result<void, Failure>;
  readonly release: () => void;
}

/** Bounds the memory of bodies that are larger than those of all other requests. */
export class Uploads {
  #count = 0;
  readonly #each = new Map<ParticipantId, number>();

  /** Undefined when the server has as many as it may. */
  take(): UploadSlot | undefined {
    if (this.#count >= MAX_UPLOADS) return undefined;
    this.#count += 1;
    let owner: ParticipantId | undefined;
    return {
      claim: (who) => {
        const count = this.#each.get(who) ?? 0;
        if (count >= MAX_EACH) {
          const message = `No more than ${MAX_EACH} uploads at once; wait for one to end.`;
          return err(failure('rate_limited', { message }));
        }
        this.#each.set(who, count + 1);
        owner = who;
        return ok(undefined);
      },
      release: () => {
        this.#count -= 1;
        if (owner === undefined) return;
        const count = (this.#each.get(owner) ?? 1) - 1;
        if (count === 0) this.#each.delete(owner);
        else this.#each.set(owner, count);
      },
    };
  }
}
