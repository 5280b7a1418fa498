/**
 * Whether the JSON of one value that arrives in pieces has come to its end; kept as a depth, not as its text. Fed with
 * the arguments of tool calls, by the scout's reader of services and by the client edge.
 */

export class JsonExtent {
  #depth = 0
  #inText = false
  #escaped = false
  #begun = false
  #overrun = false

  get isEmpty(): boolean {
    return !this.#begun
  }

  get isWhole(): boolean {
    return this.#begun && this.#depth === 0 && !this.#inText
  }

  /** Something stands behind the end of an object, a list or a text. */
  get isOverrun(): boolean {
    return this.#overrun
  }

  read(text: string): void {
    for (const character of text) this.#step(character)
  }

  #step(character: string): void {
    if (this.#inText) {
      if (this.#escaped) this.#escaped = false
      else if (character === '\\') this.#escaped = true
      else if (character === '"') this.#inText = false
      return
    }
    if (character.trim() === '') return
    this.#overrun ||= this.isWhole
    this.#begun = true
    if (character === '"') this.#inText = true
    else if (character === '{' || character === '[') this.#depth++
    else if (character === '}' || character === ']') this.#depth--
  }
}
