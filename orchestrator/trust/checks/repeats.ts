/**
 * Notices scouts that send one text whatever they are asked. A hit is a text that the scout has sent before under
 * another request; it is none when three owners have sent it (a refusal that the model knows by heart, or a client
 * that asks everybody for the same), when the client itself chose the scout, or when this tenant's requests were a hit
 * before: then nobody can make an honest scout repeat itself until it is convicted. Fed with every answer; bounded per
 * scout and in all.
 */
import { repeatRing, sharedTextsKept } from '../../../shared/limits/trust/audits.ts'

/** Owners after which a text is nobody's own. */
const ownersMany = 3

/** Of a ring that has just begun: most scouts of a fleet have few answers with most of their models. */
const firstAnswers = 2

/** The newest answers of one scout. */
export class RepeatRing {
  /** Texts, each before its request. */
  private pairs = new Float64Array(2 * firstAnswers)
  private next = 0

  /** Whether this text was there under another request; remembers it. 0 stands for nothing. */
  note(text: number, request: number): boolean {
    const { pairs } = this
    let repeats = false
    for (let at = 0; at < pairs.length; at += 2) if (pairs[at] === text && pairs[at + 1] !== request) repeats = true
    if (this.next === pairs.length) this.goOn()
    this.pairs[this.next++] = text
    this.pairs[this.next++] = request
    return repeats
  }

  /** It grows until it has its size; then the oldest answer is the next to go. */
  private goOn(): void {
    const { pairs } = this
    if (pairs.length >= 2 * repeatRing) {
      this.next = 0
      return
    }
    this.pairs = new Float64Array(2 * pairs.length)
    this.pairs.set(pairs)
  }
}

/** Who sent which text, of the newest ones. */
export class SharedTexts {
  /** Owners by text, at most as many as make it common. */
  private readonly owners = new Map<number, string[]>()

  /** Remembers that this owner sent it; returns whether it is anybody's. */
  note(text: number, owner: string): boolean {
    const known = this.owners.get(text)
    if (known === undefined) {
      if (this.owners.size >= sharedTextsKept) {
        for (const oldest of this.owners.keys()) {
          this.owners.delete(oldest)
          break
        }
      }
      this.owners.set(text, [owner])
      return false
    }
    if (known.length < ownersMany && !known.includes(owner)) known.push(owner)
    return known.length >= ownersMany
  }
}
