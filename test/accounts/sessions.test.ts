/** How long a session lives, by which clock, and how many of one owner there are; across restarts of the hub. */
import { beforeEach, describe, expect, test } from 'vitest'
import { Sessions } from '../../orchestrator/accounts/sessions/sessions.ts'
import { Keyring } from '../../orchestrator/engine/keyring.ts'
import { memoryStore } from '../../orchestrator/store/memory/store.ts'
import { sessionIdleMs, sessionMs, sessionNoteMs, sessionsMax } from '../../shared/limits/keys.ts'
import { realSystem } from '../../shared/system.ts'
import { newAccount } from '../support/store/store-rows.ts'

const hourMs = 3_600_000
let store: ReturnType<typeof memoryStore>
let nowMs: number
let wallMs: number
let sessions: Sessions

/** The hub's process begins anew: its monotonic clock too. */
function restart(): void {
  nowMs = 5
  const system = { ...realSystem(), nowMs: () => nowMs, wallMs: () => wallMs }
  sessions = new Sessions(store, new Keyring(store, new Uint8Array(32), system), system)
}

beforeEach(() => {
  store = memoryStore()
  store.commit([newAccount('acc_1'), newAccount('acc_2')])
  wallMs = 1_700_000_000_000
  restart()
})

function begin(account = 'acc_1'): string {
  const { token, row, writes } = sessions.newSession({ account, key: null, generation: null })
  store.commit(writes)
  sessions.begun(row)
  return token
}

function pass(ms: number): void {
  nowMs += ms
  wallMs += ms
}

describe('a session', () => {
  test('goes on as long as it is used, and ends after a week all the same', () => {
    const token = begin()
    for (let ms = 0; ms + 11 * hourMs < sessionMs; ms += 11 * hourMs) {
      expect(sessions.find(token)).not.toBeNull()
      pass(11 * hourMs)
    }
    pass(11 * hourMs)
    expect(sessions.find(token)).toBeNull()
    expect(store.sessionsOf({ account: 'acc_1' })).toEqual([])
  })

  test('ends after twelve hours without use, restarted or not', () => {
    for (const again of [() => {}, restart]) {
      const token = begin()
      pass(sessionIdleMs - 1)
      again()
      expect(sessions.find(token)).not.toBeNull()
      pass(sessionIdleMs)
      again()
      expect(sessions.find(token)).toBeNull()
    }
  })

  test('is nobody for another token, and for what is none', () => {
    const token = begin()
    const [first] = token
    for (const other of ['', 'x', `${token}x`, (first === 'A' ? 'B' : 'A') + token.slice(1), ` ${token.slice(1)}`]) {
      expect(sessions.find(other)).toBeNull()
    }
    expect(sessions.find(token)?.row.account).toBe('acc_1')
  })
})

describe('setting the clock of the wall', () => {
  test('back extends no session of a running hub', () => {
    const token = begin()
    nowMs += sessionIdleMs
    wallMs -= 100 * sessionMs
    expect(sessions.find(token)).toBeNull()
  })

  test('forth ends none of a running hub', () => {
    const token = begin()
    wallMs += 100 * sessionMs
    expect(sessions.find(token)).not.toBeNull()
  })

  test('back across a restart ends the sessions that seem to come from the future', () => {
    const token = begin()
    pass(hourMs)
    expect(sessions.find(token)).not.toBeNull()
    wallMs -= 3 * hourMs
    restart()
    expect(sessions.find(token)).toBeNull()
  })
})

test('that a session is used is written seldom, and survives a restart', () => {
  const token = begin()
  const commits = () => store.session([...store.sessionsOf({ account: 'acc_1' })][0]!.digest)!.seenMs
  const first = commits()
  pass(sessionNoteMs - 1)
  sessions.find(token)
  expect(commits()).toBe(first)
  pass(1)
  sessions.find(token)
  expect(commits()).toBe(first + sessionNoteMs)
})

test('the oldest sessions of an account end when there are too many, and no other account’s', () => {
  const other = begin('acc_2')
  const tokens = Array.from({ length: sessionsMax + 2 }, () => begin())
  restart()
  const live = tokens.map((token) => sessions.find(token) !== null)
  expect(live).toEqual([false, false, ...Array(sessionsMax).fill(true)])
  expect(sessions.find(other)).not.toBeNull()
})
