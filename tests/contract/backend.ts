import type { Store } from '../../storage/store.ts';

/** A way to have a store, for the contract suite. */
export interface Backend {
  readonly name: string;
  /** What a store wrote is there when it is opened again. */
  readonly persists: boolean;
  /** A new place for data, with nothing in it. */
  readonly place: () => Place | Promise<Place>;
}

export interface Place {
  /** A store on this place; the one before it is closed. */
  readonly open: () => Store | Promise<Store>;
  /** Deletes what the stores left behind. */
  readonly clear: () => void | Promise<void>;
}
