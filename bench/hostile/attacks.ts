/**
 * All attacks, in the order in which they are run. `hostile.ts` runs them one after the other, and the process of an
 * attack finds its own here; what each does is in the files below `attacks/`.
 */
import { answerAttacks } from './attacks/answers.ts'
import { bodyAttacks } from './attacks/bodies.ts'
import { connectionAttacks } from './attacks/connections.ts'
import { engineAttacks } from './attacks/engines.ts'
import { frameAttacks } from './attacks/frames.ts'
import { nameAttacks } from './attacks/names.ts'
import { operationAttacks } from './attacks/operations.ts'
import { patternAttacks } from './attacks/patterns.ts'
import { poisonAttacks } from './attacks/poison.ts'
import { requestAttacks } from './attacks/requests.ts'
import { scrollAttacks } from './attacks/scrolls.ts'
import type { Attack } from './site/site.ts'

export const attacks: readonly Attack[] = [
  ...answerAttacks,
  ...nameAttacks,
  ...bodyAttacks,
  ...requestAttacks,
  ...frameAttacks,
  ...scrollAttacks,
  ...patternAttacks,
  ...engineAttacks,
  ...poisonAttacks,
  ...operationAttacks,
  ...connectionAttacks,
]
