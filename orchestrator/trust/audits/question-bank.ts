/**
 * The questions of one model: those that most of the scouts knew which were asked first, each with the owners who have
 * had it, because nobody is asked the same twice. The level of new ones follows what the model can do: up when all knew
 * the last one, down when too few did. Bounded; the oldest question goes. Pure.
 */
import { questionsKept } from '../../../shared/limits/trust/audits.ts'
import { levels, type Question, questionOf } from './questions.ts'

/** Of those who were asked first. */
const knownShare = 0.6
/** After so many that nobody knows a model is taken for one that cannot do sums, and is asked no more. */
const unknownMax = 8
/** Beside the one who is judged. */
const othersMin = 2

interface Enrolled {
  question: Question
  hadBy: Set<string>
}

/** What one of those who were asked first has answered. */
export interface Try {
  owner: string
  isRight: boolean
}

export class QuestionBank {
  private enrolled: Enrolled[] = []
  private level = 2
  /** New questions of the easiest level in a row that too few knew. */
  private unknown = 0

  get size(): number {
    return this.enrolled.length
  }

  /** Whether its scouts can be told apart by questions. */
  get isUseful(): boolean {
    return this.unknown < unknownMax
  }

  /** A question that this owner has not had; undefined when a new one has to be asked. It counts as had from now on. */
  take(owner: string): Question | undefined {
    const found = this.enrolled.find(({ hadBy }) => !hadBy.has(owner))
    found?.hadBy.add(owner)
    return found?.question
  }

  /** A new one, not yet enrolled. */
  draft(unit: () => number): Question {
    return questionOf(this.level, unit)
  }

  /**
   * Enrols a question that enough knew. Returns which of the tries count: right ones of any question, because the hub
   * knows the answer; wrong ones only when enough of the others were right, or the question was too hard for the model.
   * `askedOf` are all who were given it, answered or not.
   */
  enrol(question: Question, tries: readonly Try[], askedOf: readonly string[]): boolean[] {
    const right = tries.filter(({ isRight }) => isRight).length
    const isKnown = tries.length > 0 && right >= knownShare * tries.length
    if (isKnown) this.unknown = 0
    else if (this.level === 1) this.unknown++
    if (isKnown) {
      if (this.enrolled.length >= questionsKept) this.enrolled.shift()
      this.enrolled.push({ question, hadBy: new Set(askedOf) })
    }
    if (right === tries.length) this.level = Math.min(levels, this.level + 1)
    else if (!isKnown) this.level = Math.max(1, this.level - 1)
    return tries.map(({ isRight }) => isRight || (isKnown && right >= othersMin))
  }
}
