import { describe, expect, test } from 'vitest'
import { networkFailure } from '../../../scout/core/network-failures.ts'
import { finalClose, lossReason, refusedReason } from '../../../scout/core/refusal.ts'

describe('a lost connection', () => {
  test.each([
    ['ENETUNREACH', /there is no network; connect this machine and the scout follows by itself/],
    ['EAI_AGAIN', /host names cannot be looked up; check the network and its DNS/],
    ['ETIMEDOUT', /nothing answers at this address; check ORCHESTRATOR_URL and the firewalls/],
    ['CERT_HAS_EXPIRED', /has expired; its operator must renew it, unless this machine's clock is wrong/],
    ['CERT_NOT_YET_VALID', /not valid yet; set this machine's clock/],
    ['ERR_TLS_CERT_ALTNAME_INVALID', /is for another host name; use that name in ORCHESTRATOR_URL/],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', /an authority that is not trusted here; set NODE_EXTRA_CA_CERTS/],
  ])('for %s says what to do', (code, words) => {
    expect(lossReason(1006, code)).toMatch(words)
    expect(lossReason(1006, code)).toContain(`(${code})`)
  })

  test('for a cause that nobody foresaw names it', () => {
    expect(lossReason(1006, 'ESTRANGE')).toBe('the connection failed (ESTRANGE)')
    expect(networkFailure('constructor')).toBeUndefined()
  })
})

test('a hub cannot write to the terminal of an operator', () => {
  const words = 'bye\u001b[2J\r\nfake line'
  for (const text of [lossReason(4400, words), finalClose(4504, words), finalClose(4777, words)]) {
    expect(text).toContain('bye [2J fake line')
  }
})

test.each([301, 200, 404, 429, 503])('a dial that is answered with HTTP %i is explained', (status) => {
  expect(refusedReason(status)).toContain(`HTTP ${status}`)
})
