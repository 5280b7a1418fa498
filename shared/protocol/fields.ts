/**
 * The kinds of value a frame is made of. Each checks a value and describes in words what it accepts; none of them
 * throws or copies. `frames.ts` builds its table from these.
 */

export interface Field<T> {
  /** Completes the sentence "<frame>.<field> must be …". */
  readonly wants: string
  accepts(value: unknown): value is T
}

function field<T>(wants: string, accepts: (value: unknown) => boolean): Field<T> {
  return { wants, accepts: accepts as (value: unknown) => value is T }
}

/** Whole number from 0 to `max`. Above 2^32 msgpack carries it as a float64, which is exact up to 2^53. */
export function count(max: number = Number.MAX_SAFE_INTEGER): Field<number> {
  return field(
    `a whole number from 0 to ${max}`,
    (v) => Number.isSafeInteger(v) && (v as number) >= 0 && (v as number) <= max,
  )
}

export const flag: Field<boolean> = field('true or false', (v) => typeof v === 'boolean')

/** Text of at most `charsMax` UTF-16 units, without control characters. */
export function text(charsMax: number): Field<string> {
  return field(`text of at most ${charsMax} characters without control characters`, (v) => {
    return typeof v === 'string' && v.length <= charsMax && isPrintable(v)
  })
}

/** A loop, because it is several times faster than a regular expression on strings as short as these. */
function isPrintable(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const unit = value.charCodeAt(i)
    if (unit < 0x20 || unit === 0x7f) return false
  }
  return true
}

/** Like `text`, and not empty: for names. */
export function name(charsMax: number): Field<string> {
  const inner = text(charsMax)
  return field(`1 to ${charsMax} characters without control characters`, (v) => v !== '' && inner.accepts(v))
}

export function bytes(bytesMax: number): Field<Uint8Array> {
  return field(`at most ${bytesMax} bytes`, (v) => v instanceof Uint8Array && v.length <= bytesMax)
}

export function bytesExactly(length: number): Field<Uint8Array> {
  return field(`exactly ${length} bytes`, (v) => v instanceof Uint8Array && v.length === length)
}

export function oneOf<const T extends string>(values: readonly T[]): Field<T> {
  return field(`one of ${values.join(', ')}`, (v) => (values as readonly unknown[]).includes(v))
}

export function orNull<T>(inner: Field<T>): Field<T | null> {
  return field(`${inner.wants}, or null`, (v) => v === null || inner.accepts(v))
}

/**
 * A field at the end of a frame: senders of an earlier version leave it out, others when there is nothing to say. Where
 * it is absent, so is each behind it.
 */
export function added<T>(inner: Field<T>): Field<T | undefined> {
  return field(`${inner.wants}, or absent`, (v) => v === undefined || inner.accepts(v))
}

type Tuple<Fields extends readonly Field<unknown>[]> = {
  [Index in keyof Fields]: Fields[Index] extends Field<infer T> ? T : never
}

/** A list of at most `itemsMax` positional tuples; members beyond the known ones are a newer version's and ignored. */
export function listOf<const Fields extends readonly Field<unknown>[]>(
  itemsMax: number,
  ...fields: Fields
): Field<Tuple<Fields>[]> {
  return listWith(itemsMax, fields, [])
}

/** The same with members at the end that senders of an earlier version leave out. */
export function listWith<const Fields extends readonly Field<unknown>[], const Added extends readonly Field<unknown>[]>(
  itemsMax: number,
  fields: Fields,
  added: Added,
): Field<[...Tuple<Fields>, ...Partial<Tuple<Added>>][]> {
  // The descriptions of the members would not fit into a close reason.
  const wants = `a list of at most ${itemsMax} lists of ${fields.length + added.length} valid members`
  return field(wants, (v) => {
    if (!Array.isArray(v) || v.length > itemsMax) return false
    for (const item of v) {
      if (!Array.isArray(item) || !acceptAll(fields, item)) return false
      for (let at = fields.length; at < item.length && at - fields.length < added.length; at++) {
        if (!added[at - fields.length]!.accepts(item[at])) return false
      }
    }
    return true
  })
}

function acceptAll(fields: readonly Field<unknown>[], values: readonly unknown[]): boolean {
  for (let i = 0; i < fields.length; i++) if (!fields[i]!.accepts(values[i])) return false
  return true
}
