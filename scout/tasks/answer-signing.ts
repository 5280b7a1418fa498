/**
 * What one attempt answers, hashed while it is written, and signed at its end: the hub counts the same texts and holds
 * the signature against its own hash. Only for tasks that came with a salt. An answer that is no JSON is not signed;
 * that it is no answer is found out elsewhere.
 */
import { answerHashOf, type SignedAnswer, signedBytes } from '../../shared/answers/answer-hash.ts'
import type { AnswerKey } from '../../shared/answers/answer-keys.ts'
import { HashedAnswer } from '../../shared/answers/answer-texts.ts'

export class AnswerSigning {
  /** Null once it cannot be signed. */
  private hashed: HashedAnswer | null = new HashedAnswer()

  constructor(
    private readonly key: AnswerKey,
    private readonly salt: Uint8Array,
    /** Its texts come in lines; else in the settlement. */
    private readonly stream: boolean,
  ) {}

  line(json: string): void {
    this.take((hashed) => hashed.line(json))
  }

  /** The signature for a settlement with this body; null when there is none. */
  end(of: Omit<SignedAnswer, 'answerHash'>, body: Uint8Array): Uint8Array | null {
    if (!this.stream) this.take((hashed) => hashed.whole(Buffer.from(body).toString('utf8')))
    const { hashed } = this
    this.hashed = null
    return hashed && this.key.sign(signedBytes({ ...of, answerHash: answerHashOf(this.salt, hashed.end()) }))
  }

  private take(say: (hashed: HashedAnswer) => void): void {
    if (this.hashed === null) return
    try {
      say(this.hashed)
    } catch {
      this.hashed = null
    }
  }
}
