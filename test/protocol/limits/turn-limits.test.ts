/** The relations between the limits that keep turns of the loop short, and what they count in the end. */
import { describe, expect, test } from 'vitest'
import * as answers from '../../../shared/limits/answers.ts'
import * as http from '../../../shared/limits/http.ts'
import * as intents from '../../../shared/limits/intents.ts'
import * as planner from '../../../shared/limits/planner.ts'
import * as wire from '../../../shared/limits/wire.ts'

describe('what is cut to the turns of the loop', () => {
  test.each([
    ['a body that is read without being measured cannot hold too much', http.smallBodyBytes, http.jsonNodesMax],
    [
      'of large answers one operator may have several in check',
      4 * wire.bodyBytesMax,
      answers.checkedBytesPerOperatorMax,
    ],
    [
      'two operators fit the account of answers in check',
      2 * answers.checkedBytesPerOperatorMax,
      answers.checkedBytesMax,
    ],
    ['what fits its frame is checked at once', wire.inlineBodyBytesMax, answers.answerSliceBytes],
    [
      'many readers of one tenant have room for what they lack',
      8 * wire.bodyBytesMax,
      intents.keptLinesBytesPerTenantMax,
    ],
    ['two tenants fit what is kept for readers', 2 * intents.keptLinesBytesPerTenantMax, intents.keptLinesBytesMax],
    ['what most streams have unread does not count', http.unreadPartBytesFree, http.streamBufferBytes],
    ['a contract reads less than is read as JSON', planner.contractTextCharsMax, planner.jsonResultCharsMax],
  ])('%s', (_, smaller, larger) => expect(smaller).toBeLessThanOrEqual(larger))
})
