/** Who is shown answers, wants none of them and has found out nothing: for tests that replace a part of it. */
import type { AnswerWitness } from '../../../orchestrator/engine/ports/trust/witness.ts'

export const silentWitness: AnswerWitness = {
  note: () => ({ interest: 'none', state: null }),
  settled: () => {},
  answered: () => {},
  report: () => {
    throw new Error('nobody asks for it')
  },
  noteOf: () => null,
  findings: null,
  stop: () => {},
}
