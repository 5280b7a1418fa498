/**
 * Source text with everything blanked that is not code, so that the tidy rules can look for words and brackets without
 * being fooled by comments, strings, templates and regular expressions. (TypeScript 7 has no parser to call, and Bun's
 * import scanner leaves out type imports.)
 */

export interface Masked {
  /** As long as the source, same line breaks; comments and the insides of literals are spaces, quotes stay. */
  code: string
  /** What stood between the quotes, by the position of the opening quote; templates only when they hold no `${`. */
  strings: Map<number, string>
}

const comment = /\/\/[^\n]*|\/\*[\s\S]*?\*\//y
const quoted = /'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*"/y
const regex = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y
const word = /[\w$]+/y
const templateText = /(?:[^`\\$]|\\[\s\S]|\$(?!\{))*(?:`|\$\{)/y
const wordsBeforeRegex = new Set(
  'return typeof case in of void delete throw new else do await yield instanceof'.split(' '),
)

/** Whether a slash after this word or character begins a regular expression and not a division. */
function regexMayFollow(last: string): boolean {
  if (/^[\w$]/.test(last)) return wordsBeforeRegex.has(last)
  return !([')', ']', "'", '`', '/'] as string[]).includes(last)
}

class Masker {
  readonly strings = new Map<number, string>()
  readonly #source: string
  readonly #out: string[]
  /** Brace depth outside each open `${`. */
  readonly #templates: number[] = []
  #braces = 0
  /** The last word or character that counts, to tell a division from a regular expression. */
  #last = ''
  #at = 0

  constructor(source: string) {
    this.#source = source
    this.#out = source.split('')
  }

  run(): Masked {
    while (this.#at < this.#source.length) {
      if (!this.#comment() && !this.#quoted() && !this.#template() && !this.#regex()) this.#token()
    }
    return { code: this.#out.join(''), strings: this.strings }
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at
    return pattern.exec(this.#source)?.[0] ?? null
  }

  /** Steps over `length` characters and blanks them, but for `keep` at either end. */
  #blank(length: number, keepFirst: number, keepLast: number): void {
    const end = this.#at + length - keepLast
    for (let i = this.#at + keepFirst; i < end; i++) if (this.#out[i] !== '\n') this.#out[i] = ' '
    this.#at += length
  }

  #comment(): boolean {
    const text = this.#match(comment)
    if (text === null) return false
    this.#blank(text.length, 0, 0)
    return true
  }

  #quoted(): boolean {
    const text = this.#match(quoted)
    if (text === null) return false
    this.strings.set(this.#at, text.slice(1, -1))
    this.#blank(text.length, 1, 1)
    this.#last = "'"
    return true
  }

  #regex(): boolean {
    if (this.#source[this.#at] !== '/' || !regexMayFollow(this.#last)) return false
    const text = this.#match(regex)
    if (text === null) return false
    this.#blank(text.length, 1, 0)
    this.#last = '/'
    return true
  }

  /** The text of a template, from its backtick or the end of an expression in it to the next `${` or its end. */
  #template(): boolean {
    const openedAt = this.#at
    const opens = this.#source[openedAt] === '`'
    const resumes = this.#source[openedAt] === '}' && this.#templates.at(-1) === this.#braces
    if (!opens && !resumes) return false
    if (resumes) this.#templates.pop()
    this.#blank(1, opens ? 1 : 0, 0)
    const text = this.#match(templateText) ?? this.#source.slice(this.#at)
    const ends = text.endsWith('`')
    if (!ends) this.#templates.push(this.#braces)
    else if (opens) this.strings.set(openedAt, text.slice(0, -1))
    this.#blank(text.length, 0, ends ? 1 : 0)
    this.#last = ends ? '`' : '('
    return true
  }

  #token(): void {
    const text = this.#match(word) ?? (this.#source[this.#at] as string)
    if (text === '{') this.#braces++
    if (text === '}') this.#braces--
    if (text.trim() !== '') this.#last = text
    this.#at += text.length
  }
}

export function maskSource(source: string): Masked {
  return new Masker(source).run()
}

/** The 1-based line on which a position lies. */
export function lineAt(text: string, position: number): number {
  let line = 1
  for (let i = text.indexOf('\n'); i !== -1 && i < position; i = text.indexOf('\n', i + 1)) line++
  return line
}
