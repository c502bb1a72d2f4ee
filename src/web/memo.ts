import type { ComponentType, FunctionComponent } from 'preact';
import { Component, h } from 'preact';

/** Draws again only when a property is another value: for rows of which there are hundreds. */
export function memo<P extends object>(view: FunctionComponent<P>): ComponentType<P> {
  return class Memo extends Component<P> {
    override shouldComponentUpdate(next: Readonly<P>): boolean {
      return !isSame(this.props, next);
    }

    override render(props: P) {
      return h(view, props);
    }
  };
}

function isSame<P extends object>(a: P, b: P): boolean {
  const names = Object.keys(b) as (keyof P)[];
  return names.length === Object.keys(a).length && names.every((name) => a[name] === b[name]);
}
