import { describe, expect, test } from 'vitest'
import { recordBytes, type SharedThing } from '../../../orchestrator/cluster/keys/record.ts'
import { sealMessage } from '../../../orchestrator/cluster/roster/message.ts'
import { adding, removing } from '../../../orchestrator/cluster/roster/proposal.ts'
import { hubActor } from '../../../orchestrator/engine/keyring.ts'
import { printOf } from '../../../orchestrator/engine/ports/network/shared-keys.ts'
import { MemoryDisk } from '../../../orchestrator/store/memory/disk.ts'
import { makeKey } from '../../../shared/keys/api-key.ts'
import { storedScopes } from '../../../shared/keys/key-terms.ts'
import { keysStaleMs } from '../../../shared/limits/cluster/keys.ts'
import { realSystem } from '../../../shared/system.ts'
import { type KeyHub, KeyNetworkStage, prefix } from '../../support/cluster/key-network.ts'
import { noLogTrouble } from '../../support/cluster/model-log.ts'
import { good, signedByAll, type TestHub, testHub } from '../../support/cluster/network.ts'

const system = realSystem()
/** Within so long everything that was changed holds everywhere. */
const twoLooksMs = 1_100

async function trio() {
  const stage = new KeyNetworkStage(['alpha', 'beta', 'gamma'])
  const [a, b, c] = stage.hubs as [KeyHub, KeyHub, KeyHub]
  await stage.pass(twoLooksMs)
  return { stage, a, b, c }
}

function addAccount({ store, keyring }: KeyHub, id: string, limits: string | null = null): void {
  const row = { id, address: null, name: id, role: 'member', state: 'active', limits, createdMs: 1 } as const
  store.commit([{ write: 'account', row }, keyring.note(hubActor, 'account.made', id, null, null)])
}

function suspend({ store, keyring }: KeyHub, id: string): void {
  const row = { ...store.account(id)!, state: 'suspended' as const }
  store.commit([{ write: 'changeAccount', row }, keyring.note(hubActor, 'account.closed', id, null, null)])
  keyring.accountChanged(id, true)
}

const scopes = storedScopes({ routes: ['chat'], models: ['demo-*'], scouts: null })
const unknown = { ok: false, flaw: expect.stringContaining('does not know the key') }

describe('a key that was made at one hub', () => {
  test('is good at every other one, under the same id, for the same tenant, with the same terms', async () => {
    const { stage, a, b, c } = await trio()
    addAccount(a, 'acc_1')
    const made = a.keyring.issue('client', 'app', { account: 'acc_1', weight: 3, scopes })
    const scout = a.keyring.issue('scout', 'box')
    await stage.pass(twoLooksMs)
    for (const { keyring } of [a, b, c]) {
      const { id } = made.row
      expect(keyring.verify(made.key)).toMatchObject({ ok: true, id, tenant: 'acc_1', account: 'acc_1', weight: 3 })
      expect(keyring.verify(made.key)).toMatchObject({ scopes: { routes: ['chat'], models: ['demo-*'] } })
      expect(keyring.verify(scout.key)).toMatchObject({ ok: true, role: 'scout', tenant: scout.row.id })
    }
  })

  test('is known to the others by its print alone: neither it nor its digest is in the log', async () => {
    const { stage, a } = await trio()
    const { key, row } = a.keyring.issue('client', 'app')
    await stage.pass(twoLooksMs)
    const texts = stage.logs.stored.map(({ message }) => Buffer.from(message).toString('latin1')).join('\n')
    expect(texts).toContain(printOf(key))
    expect(texts).not.toContain(key.slice(0, -4))
    expect(texts).not.toContain(row.digest)
  })

  test('ends everywhere within two seconds once it is revoked, or its secret replaced', async () => {
    const { stage, a, b, c } = await trio()
    const [one, two] = [a.keyring.issue('client', 'one'), a.keyring.issue('scout', 'two')]
    await stage.pass(twoLooksMs)
    for (const { key } of [one, two]) expect(b.keyring.verify(key).ok).toBe(true)
    expect(a.keyring.revoke(one.row.id)).toBeNull()
    const fresh = a.keyring.regenerate(two.row.id, 1) as { key: string }
    await stage.pass(twoLooksMs)
    for (const { keyring, dropped } of [b, c]) {
      expect(dropped.toSorted()).toEqual([one.row.id, two.row.id].toSorted())
      expect(keyring.verify(one.key)).toMatchObject({ ok: false, flaw: expect.stringContaining('was revoked') })
      expect(keyring.verify(two.key)).toEqual(unknown)
      expect(keyring.verify(fresh.key)).toMatchObject({ ok: true, id: two.row.id, generation: 2 })
    }
  })

  test('follows its account and its terms, and ends when they say so', async () => {
    const { stage, a, b } = await trio()
    addAccount(a, 'acc_1')
    const { key, row } = a.keyring.issue('client', 'app', { account: 'acc_1' })
    const short = a.keyring.issue('client', 'short')
    await stage.pass(twoLooksMs)
    expect(b.keyring.verify(key)).toMatchObject({ scopes: { models: null } })
    a.keyring.amend(row.id, { scopes })
    a.keyring.amend(short.row.id, { expiresMs: stage.system.wallMs() + 5_000 })
    await stage.pass(twoLooksMs)
    expect(b.keyring.verify(key)).toMatchObject({ scopes: { models: ['demo-*'] } })
    expect(b.keyring.verify(short.key).ok).toBe(true)
    await stage.pass(5_000)
    b.keyring.sweep()
    expect(b.dropped).toEqual([short.row.id])
    suspend(a, 'acc_1')
    await stage.pass(twoLooksMs)
    expect(b.dropped).toContain(row.id)
    expect(b.keyring.verify(key)).toMatchObject({ ok: false, flaw: expect.stringContaining('suspended') })
  })

  test('is changed and revoked where it was made, and nowhere else', async () => {
    const { stage, a, b } = await trio()
    const { row, key } = a.keyring.issue('client', 'app')
    await stage.pass(twoLooksMs)
    expect(b.keyring.revoke(row.id)).toBe('elsewhere')
    expect(b.keyring.amend(row.id, { name: 'mine' })).toBe('elsewhere')
    expect(b.keyring.regenerate(row.id, 1)).toBe('elsewhere')
    expect(b.keyring.list()).toEqual([])
    expect(b.keyring.verify(key).ok).toBe(true)
  })

  test("stays there when it is an administrator's, or was gone before anybody heard of it", async () => {
    const { stage, a, b } = await trio()
    const admin = a.keyring.issue('admin', 'root')
    const gone = a.keyring.issue('client', 'gone')
    a.keyring.revoke(gone.row.id)
    a.keyring.issue('client', 'sessions', { isSecretless: true })
    await stage.pass(twoLooksMs)
    expect(stage.logs.stored).toEqual([])
    expect(b.keyring.verify(admin.key)).toEqual(unknown)
  })

  test('by an older program is told of once it is presented there', async () => {
    const { stage, a, b } = await trio()
    const { key, row } = a.keyring.issue('client', 'old')
    a.disk.keyPrints.clear()
    await stage.pass(twoLooksMs)
    expect(b.keyring.verify(key)).toEqual(unknown)
    expect(a.keyring.verify(key).ok).toBe(true)
    await stage.pass(twoLooksMs)
    expect(b.keyring.verify(key)).toMatchObject({ ok: true, id: row.id })
  })
})

describe('a hub', () => {
  test('that was away learns of everything, and meanwhile refuses no key as unknown', async () => {
    const { stage, a, b } = await trio()
    const early = a.keyring.issue('client', 'early')
    await stage.pass(twoLooksMs)
    b.log.cut(true)
    await stage.pass(11_000)
    const late = a.keyring.issue('client', 'late')
    a.keyring.revoke(early.row.id)
    await stage.pass(twoLooksMs)
    expect(b.keyring.verify(late.key)).toMatchObject({ ok: false, isPassing: true })
    // It cannot know.
    expect(b.keyring.verify(early.key).ok).toBe(true)
    b.log.cut(false)
    await stage.pass(twoLooksMs)
    expect(b.keyring.verify(late.key).ok).toBe(true)
    expect(b.keyring.verify(early.key).ok).toBe(false)
    expect(b.dropped).toEqual([early.row.id])
  })

  test('that was apart for an hour takes keys of others no more, and its own as before', async () => {
    const { stage, a, b } = await trio()
    const [theirs, own] = [a.keyring.issue('client', 'theirs'), b.keyring.issue('client', 'own')]
    await stage.pass(twoLooksMs)
    expect(b.keyring.verify(theirs.key).ok).toBe(true)
    b.log.cut(true)
    stage.system.pass(keysStaleMs)
    await stage.pass(twoLooksMs)
    expect(b.keyring.verify(theirs.key)).toMatchObject({ ok: false, isPassing: true })
    expect(b.keyring.verify(own.key).ok).toBe(true)
    b.log.cut(false)
    await stage.pass(twoLooksMs)
    expect(b.keyring.verify(theirs.key).ok).toBe(true)
  })

  test('that starts anew knows what it knew, and one that is new learns all of it', async () => {
    const { stage, a, b } = await trio()
    const { key } = a.keyring.issue('client', 'app')
    await stage.pass(twoLooksMs)
    b.sharing.stop()
    stage.logs.trouble = { ...stage.logs.trouble, lostQuestions: 1 }
    expect(stage.add(b.hub, b.disk).keyring.verify(key).ok).toBe(true)
    stage.logs.trouble = { ...stage.logs.trouble, lostQuestions: 0 }
    const fresh = stage.add(b.hub)
    expect(fresh.keyring.verify(key)).toMatchObject({ ok: false, isPassing: true })
    await stage.pass(6_000)
    expect(fresh.keyring.verify(key).ok).toBe(true)
  })

  test('whose store is an older copy does not bring back what was revoked or replaced', async () => {
    const { stage, a, b } = await trio()
    const [revoked, replaced] = [a.keyring.issue('client', 'one'), a.keyring.issue('client', 'two')]
    await stage.pass(twoLooksMs)
    const copy = a.disk.copy()
    a.keyring.revoke(revoked.row.id)
    const fresh = a.keyring.regenerate(replaced.row.id, 1) as { key: string }
    await stage.pass(twoLooksMs)
    a.sharing.stop()
    const restored = stage.add(a.hub, copy)
    await stage.pass(twoLooksMs)
    for (const { keyring } of [restored, b]) {
      expect(keyring.verify(revoked.key).ok).toBe(false)
      expect(keyring.verify(replaced.key).ok).toBe(false)
      expect(keyring.verify(fresh.key).ok).toBe(true)
    }
  })

  test('whose store is lost has its keys back from the network, and can revoke them', async () => {
    const { stage, a, b } = await trio()
    addAccount(a, 'acc_1')
    const { key, row } = a.keyring.issue('client', 'app', { account: 'acc_1' })
    await stage.pass(twoLooksMs)
    a.sharing.stop()
    const anew = stage.add(a.hub, new MemoryDisk())
    await stage.pass(twoLooksMs)
    expect(anew.keyring.verify(key)).toMatchObject({ ok: true, id: row.id, tenant: 'acc_1' })
    expect(anew.keyring.revoke(row.id)).toBeNull()
    await stage.pass(twoLooksMs)
    for (const { keyring } of [anew, b]) expect(keyring.verify(key).ok).toBe(false)
  })

  test('tells everything in the end, however often answers of the log are lost', async () => {
    const { stage, a, b } = await trio()
    let seed = 1
    stage.system.random = () => {
      seed = (seed * 48_271) % 0x7fffffff
      return seed / 0x7fffffff
    }
    stage.logs.trouble = { ...noLogTrouble, delayMs: [0, 40], lostQuestions: 0.2, lostAnswers: 0.2 }
    const made = Array.from({ length: 20 }, (_, at) => a.keyring.issue('client', `app ${at}`))
    for (const { row } of made.slice(0, 10)) a.keyring.revoke(row.id)
    await stage.pass(60_000)
    for (const { row } of made.slice(10, 15)) a.keyring.revoke(row.id)
    await stage.pass(60_000)
    stage.logs.trouble = noLogTrouble
    await stage.pass(10_000)
    expect(made.map(({ key }) => b.keyring.verify(key).ok)).toEqual(made.map((_, at) => at >= 15))
  }, 60_000)
})

// ---------------------------------------------------------------- attacks

const client = { role: 'client', name: 'forged', weight: 1, generation: 1, scopes: null, limits: null } as const
const mallory = testHub('mallory', 66)

interface Forged {
  thing: Partial<SharedThing> & { id: string }
  by: TestHub
  /** Under whose subject. */
  under?: string
  epoch?: number
  previous?: number
}

async function append({ logs }: KeyNetworkStage, forged: Forged): Promise<void> {
  const { thing, by, under = by.name, epoch = 3, previous = 0 } = forged
  const terms = JSON.stringify({ ...client, createdMs: 1, revokedMs: null, last4: null })
  const { id, print = null, account = null, expiresMs = null } = thing
  const bytes = recordBytes({ previous, thing: { id, print, account, expiresMs, terms: thing.terms ?? terms } })!
  const subject = `${prefix}.keys.${under}.${thing.id}`
  const head = { from: { name: by.name, boot: 1 }, to: null, epoch, number: 1 }
  logs.append(subject, sealMessage(head, subject, bytes, by.identity), logs.lastOf(subject))
}

const [secret, other] = [makeKey('client', system.randomBytes), makeKey('client', system.randomBytes)]

describe('what does not count in the log of keys', () => {
  test('records of who is no authority, under any name', async () => {
    const { stage, a, b } = await trio()
    const { key, row } = a.keyring.issue('client', 'app')
    await stage.pass(twoLooksMs)
    const own = b.store.shared(row.id)!
    await append(stage, { by: mallory, thing: { id: 'key_m1', print: printOf(secret) } })
    await append(stage, { by: { ...mallory, name: 'alpha' }, thing: { id: 'key_m2', print: printOf(secret) } })
    const revoked = JSON.stringify({ ...JSON.parse(own.terms), revokedMs: 5 })
    for (const name of ['alpha', 'mallory']) {
      const thing = { ...own, terms: revoked }
      await append(stage, { by: { ...mallory, name }, under: 'alpha', thing, previous: own.seq })
    }
    stage.logs.append(`${prefix}.keys.alpha.key_m3`, Buffer.from('nonsense'), 0)
    await stage.pass(twoLooksMs)
    for (const id of ['key_m1', 'key_m2', 'key_m3']) expect(b.store.shared(id)).toBeUndefined()
    expect(b.keyring.verify(key).ok).toBe(true)
    // The hub itself can still write behind all that.
    a.keyring.revoke(row.id)
    await stage.pass(twoLooksMs * 2)
    expect(b.keyring.verify(key).ok).toBe(false)
  })

  test('what one authority says of the keys and accounts of another one', async () => {
    const { stage, a, b, c } = await trio()
    addAccount(a, 'acc_1')
    const { key, row } = a.keyring.issue('client', 'app', { account: 'acc_1' })
    const bare = a.keyring.issue('client', 'bare')
    const untold = c.keyring.issue('admin', 'root')
    await stage.pass(twoLooksMs)
    const own = b.store.shared(row.id)!
    const by = b.hub
    const revoked = JSON.stringify({ ...JSON.parse(own.terms), revokedMs: 5 })
    // Under its own subject, and under that of the other.
    await append(stage, { by, thing: { ...own, terms: revoked }, previous: own.seq })
    await append(stage, { by, under: 'alpha', thing: { ...own, terms: revoked }, previous: own.seq })
    const plain = b.store.shared(bare.row.id)!
    await append(stage, { by, thing: { ...plain, terms: revoked }, previous: plain.seq })
    await append(stage, { by, under: 'alpha', thing: { id: 'key_b3', print: printOf(other) } })
    // A key of its own for the other's account, or with the other's print; one that has the id of another's.
    await append(stage, { by, thing: { id: 'key_b1', print: printOf(secret), account: 'acc_1' } })
    await append(stage, { by, thing: { id: 'key_b2', print: own.print } })
    await append(stage, { by, thing: { id: untold.row.id, print: printOf(secret) } })
    await stage.pass(twoLooksMs)
    for (const { store } of [a, c]) {
      for (const id of ['key_b1', 'key_b2', 'key_b3']) expect(store.shared(id)).toBeUndefined()
    }
    expect(c.keyring.verify(bare.key).ok).toBe(true)
    // None of it is in the way of what comes behind it.
    const late = a.keyring.issue('client', 'late')
    await stage.pass(twoLooksMs)
    expect(c.keyring.verify(late.key).ok).toBe(true)
    expect(c.keyring.verify(key)).toMatchObject({ ok: true, id: row.id, tenant: 'acc_1' })
    expect(c.store.shared(untold.row.id)).toBeUndefined()
    expect(c.keyring.verify(untold.key)).toMatchObject({ ok: true, role: 'admin' })
  })

  test('keys of administrators and terms beyond every bound, also from an authority', async () => {
    const { stage, b, c } = await trio()
    const terms = (changes: object) =>
      JSON.stringify({ ...client, createdMs: 1, revokedMs: null, last4: null, ...changes })
    const print = printOf(secret)
    await append(stage, { by: b.hub, thing: { id: 'key_b1', print, terms: terms({ role: 'admin' }) } })
    await append(stage, { by: b.hub, thing: { id: 'key_b2', print, terms: terms({ weight: 1e9 }) } })
    await append(stage, { by: b.hub, thing: { id: 'key_b3', print, terms: terms({ scopes: '{"routes":7}' }) } })
    await append(stage, { by: b.hub, thing: { id: 'key_b4', print, terms: terms({ limits: 'no json' }) } })
    await stage.pass(twoLooksMs)
    for (const at of [1, 2, 3, 4]) expect(c.store.shared(`key_b${at}`)).toBeUndefined()
  })

  test('a record that is said again after the key was revoked', async () => {
    const { stage, a, b } = await trio()
    const { key, row } = a.keyring.issue('client', 'app')
    await stage.pass(twoLooksMs)
    const [made] = [...stage.logs.stored]
    a.keyring.revoke(row.id)
    await stage.pass(twoLooksMs)
    stage.logs.append(made!.subject, made!.message, stage.logs.lastOf(made!.subject))
    await stage.pass(twoLooksMs)
    expect(b.keyring.verify(key).ok).toBe(false)
    // Nor does a hub that reads all of it for the first time believe it.
    const fresh = stage.add(testHub('beta', 2))
    await stage.pass(twoLooksMs)
    expect(fresh.keyring.verify(key).ok).toBe(false)
  })

  test('everything of a hub that was removed, what it made before and what it says under an older epoch', async () => {
    const { stage, a, b, c } = await trio()
    const { key, row } = c.keyring.issue('client', 'app')
    await stage.pass(twoLooksMs)
    expect(b.keyring.verify(key).ok).toBe(true)
    const shrunk = good(stage.chain.extended(signedByAll(good(removing(stage.chain, 'gamma')), [a.hub, b.hub]).next))
    stage.follow(shrunk)
    expect(b.dropped).toEqual([row.id])
    await append(stage, { by: c.hub, epoch: 3, thing: { id: 'key_c1', print: printOf(secret) } })
    await append(stage, { by: c.hub, epoch: 4, thing: { id: 'key_c2', print: printOf(other) } })
    await stage.pass(twoLooksMs)
    for (const presented of [key, secret, other]) expect(b.keyring.verify(presented).ok).toBe(false)
    expect(b.store.shared('key_c2')).toBeUndefined()
  })

  test('a record of an epoch that is not known yet, until it is', async () => {
    const { stage, a, b } = await trio()
    const delta = testHub('delta', 4)
    const before = stage.chain
    const proposal = good(adding(before, { name: 'delta', key: delta.identity.key, url: delta.url }))
    const grown = good(before.extended(signedByAll(proposal, [a.hub, b.hub]).next))
    await append(stage, { by: delta, epoch: 4, thing: { id: 'key_d1', print: printOf(secret) } })
    await append(stage, { by: mallory, epoch: 4_000_000, thing: { id: 'key_m1', print: printOf(other) } })
    const { key } = a.keyring.issue('client', 'behind')
    await stage.pass(twoLooksMs)
    expect(b.store.shared('key_d1')).toBeUndefined()
    expect(b.keyring.verify(key).ok).toBe(true)
    stage.follow(grown)
    await stage.pass(twoLooksMs)
    expect(b.store.shared('key_d1')).toMatchObject({ home: delta.identity.key })
    expect(b.store.shared('key_m1')).toBeUndefined()
  })
})
