/** Counts the characters of the texts that a piece of work builds, by the platform's means of building long ones. */
export function builtChars<T>(work: () => T): { made: T; chars: number } {
  let chars = 0
  const { stringify } = JSON
  const { join } = Array.prototype
  const clone = globalThis.structuredClone
  const counted = <R>(text: R): R => {
    if (typeof text === 'string') chars += text.length
    return text
  }
  JSON.stringify = ((...given: Parameters<typeof stringify>) => counted(stringify(...given))) as typeof stringify
  Array.prototype.join = function (separator) {
    return counted(join.call(this, separator))
  }
  globalThis.structuredClone = ((value: unknown) => {
    // It copies texts too, as many as there are.
    chars += stringify(value).length
    return clone(value)
  }) as typeof clone
  try {
    return { made: work(), chars }
  } finally {
    JSON.stringify = stringify
    Array.prototype.join = join
    globalThis.structuredClone = clone
  }
}
