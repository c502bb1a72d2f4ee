import { err, ok, type Result } from '../domain/result.ts';

/** A row of the table: what a setting is, and how its text becomes a value. */
export interface Setting<T> {
  readonly fallback: T;
  readonly about: string;
  /** How its values are written, for people. */
  readonly shape: string;
  /** The value, or what is wrong with the text. */
  readonly read: (text: string) => Result<T, string>;
  readonly isSecret: boolean;
  /** The plain name, `OPENAI_API_KEY`, is honoured when the `COLLOQUY_` one is not set. */
  readonly hasPlainName: boolean;
  /** What holds when there is no value. */
  readonly otherwise?: string;
}

const PUBLIC = { isSecret: false, hasPlainName: false } as const;

export function text(fallback: string, about: string): Setting<string> {
  const read = (value: string) => {
    const trimmed = value.trim();
    return trimmed === '' ? err('must not be empty') : ok(trimmed);
  };
  return { ...PUBLIC, fallback, about, shape: 'text', read };
}

/** A text that may be left out; `otherwise` says what holds then. */
export function optional(
  otherwise: string,
  about: string,
  more: { isSecret?: boolean; hasPlainName?: boolean } = {},
): Setting<string | undefined> {
  const read = (value: string) => ok(value.trim() === '' ? undefined : value.trim());
  return { ...PUBLIC, fallback: undefined, about, shape: 'text', read, otherwise, ...more };
}

export function whole(
  fallback: number,
  [least, most]: readonly [number, number],
  about: string,
): Setting<number> {
  const shape = `${least} to ${most}`;
  const read = (value: string) => {
    const number = /^\d{1,15}$/.test(value.trim()) ? Number(value) : Number.NaN;
    return number >= least && number <= most ? ok(number) : err(`must be a whole number, ${shape}`);
  };
  return { ...PUBLIC, fallback, about, shape, read };
}

/** A whole number that may be left out; `otherwise` says what holds then. */
export function optionalWhole(
  otherwise: string,
  bounds: readonly [number, number],
  about: string,
): Setting<number | undefined> {
  return { ...whole(bounds[0], bounds, about), fallback: undefined, otherwise };
}

const UNITS: Readonly<Record<string, number>> = { '': 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

export function bytes(
  fallback: number,
  [least, most]: readonly [number, number],
  about: string,
): Setting<number> {
  const shape = `${least} to ${most}, or with KiB, MiB, GiB`;
  const read = (value: string) => {
    const [, digits, unit = ''] = /^(\d{1,15})\s*([KMG]iB)?$/.exec(value.trim()) ?? [];
    const number = Number(digits ?? Number.NaN) * (UNITS[unit] ?? 1);
    return number >= least && number <= most ? ok(number) : err(`must be bytes: ${shape}`);
  };
  return { ...PUBLIC, fallback, about, shape, read };
}

const DURATIONS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** A length of time in milliseconds, written with its unit; 0, which needs none, is off. */
export function duration(fallback: number, most: string, about: string): Setting<number> {
  const shape = `0, or a number with ms, s, m, h or d, up to ${most}`;
  const msOf = (value: string) => {
    const [, digits, unit = ''] = /^(\d{1,12})\s*(ms|s|m|h|d)?$/.exec(value.trim()) ?? [];
    if (Number(digits) === 0) return 0;
    return Number(digits ?? Number.NaN) * (DURATIONS[unit] ?? Number.NaN);
  };
  const read = (value: string) => {
    const ms = msOf(value);
    return ms <= msOf(most) ? ok(ms) : err(`must be ${shape}`);
  };
  return { ...PUBLIC, fallback, about, shape, read };
}

/** An amount of money, to a millionth. */
export function amount(fallback: number, about: string): Setting<number> {
  const shape = 'a number such as 0.4, up to 1000000';
  const read = (value: string) => {
    const number = /^\d{1,7}(\.\d{1,6})?$/.test(value.trim()) ? Number(value) : Number.NaN;
    return number <= 1_000_000 ? ok(number) : err(`must be ${shape}`);
  };
  return { ...PUBLIC, fallback, about, shape, read };
}

export function yesOrNo(fallback: boolean, about: string): Setting<boolean> {
  const shape = 'true or false';
  const read = (value: string) => {
    const isTrue = value.trim() === 'true';
    return isTrue || value.trim() === 'false' ? ok(isTrue) : err(`must be ${shape}`);
  };
  return { ...PUBLIC, fallback, about, shape, read };
}

export function oneOf<const T extends string>(
  fallback: NoInfer<T>,
  values: readonly T[],
  about: string,
): Setting<T> {
  const shape = values.join(', ');
  const read = (value: string) => {
    const found = values.find((one) => one === value.trim());
    return found === undefined ? err(`must be one of ${shape}`) : ok(found);
  };
  return { ...PUBLIC, fallback, about, shape, read };
}

export function storeAddress(fallback: string, about: string): Setting<string> {
  const shape = 'sqlite:PATH, postgres://USER:PASSWORD@HOST:PORT/DATABASE or memory:';
  const read = (value: string) =>
    /^(sqlite:.+|postgres(ql)?:\/\/.+|memory:)$/.test(value.trim())
      ? ok(value.trim())
      : err(`must be ${shape}`);
  return { ...PUBLIC, fallback, about, shape, read };
}

/** A database that tools may read; none when it is left out. */
export function databaseAddress(otherwise: string, about: string): Setting<string | undefined> {
  const shape = 'sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE';
  const read = (value: string) =>
    /^(sqlite:.+|postgres(ql)?:\/\/.+)$/.test(value.trim())
      ? ok(value.trim())
      : err(`must be ${shape}`);
  return { ...PUBLIC, fallback: undefined, about, shape, read, otherwise };
}
