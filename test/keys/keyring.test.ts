import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { Keyring } from '../../orchestrator/engine/keyring.ts'
import type { KeyRow } from '../../orchestrator/engine/ports/account-store.ts'
import type { Store } from '../../orchestrator/engine/ports/store.ts'
import { memoryStore } from '../../orchestrator/store/memory/store.ts'
import { makeKey } from '../../shared/keys/api-key.ts'
import { keyCacheMax } from '../../shared/limits/keys.ts'
import { realSystem } from '../../shared/system.ts'

const system = realSystem()
const pepper = new Uint8Array(32).fill(7)
const adminKey = 'correct-horse-battery-staple-and-more'

describe('verifying', () => {
  test('knows each key it made, by id, role and name', () => {
    const keyring = new Keyring(memoryStore(), pepper, system)
    const made = [keyring.issue('client', 'app'), keyring.issue('scout', 'box'), keyring.issue('admin', 'me')]
    for (const { key, row } of made) {
      expect(keyring.verify(key)).toMatchObject({
        ok: true,
        id: row.id,
        tenant: row.id,
        role: row.role,
        name: row.name,
        weight: 1,
      })
    }
    expect(new Set(made.map(({ row }) => row.id)).size).toBe(3)
    expect(keyring.list().map((row) => row.name)).toEqual(['app', 'box', 'me'])
  })

  test('refuses text of a bad form or checksum without asking the store', () => {
    const keyring = new Keyring(storeThatMustNotBeAsked(), pepper, system)
    const good = makeKey('client', system.randomBytes)
    const wrongEnd = good.slice(0, -1) + (good.endsWith('0') ? '1' : '0')
    for (const text of ['', 'sk-1234', good.slice(0, -1), wrongEnd, good.replace('client', 'admin')]) {
      expect(keyring.verify(text)).toEqual({ ok: false, flaw: expect.any(String) })
    }
    expect(() => keyring.verify(good)).toThrow('the store was asked')
  })

  test('refuses a well-formed key that nobody made, each time anew, and knows it once it is made elsewhere', () => {
    const store = memoryStore()
    const keyring = new Keyring(store, pepper, system)
    const elsewhere = new Keyring(store, pepper, system)
    const stranger = makeKey('client', system.randomBytes)
    expect(keyring.verify(stranger)).toEqual({ ok: false, flaw: expect.stringContaining('does not know the key') })
    expect(keyring.verify(elsewhere.issue('client', 'late').key)).toMatchObject({ ok: true, name: 'late' })
  })

  test('refuses every key of a hub with another pepper', () => {
    const store = memoryStore()
    const { key } = new Keyring(store, pepper, system).issue('client', 'app')
    expect(new Keyring(store, new Uint8Array(32), system).verify(key).ok).toBe(false)
  })

  test('asks the store once per good key, not once per request', () => {
    const { store, asked } = countingStore()
    const keyring = new Keyring(store, pepper, system)
    const { key } = keyring.issue('client', 'app')
    for (let request = 0; request < 100; request++) expect(keyring.verify(key).ok).toBe(true)
    expect(asked()).toBe(1)
  })

  test('remembers a bounded number of keys and still knows the others', () => {
    const { store, asked } = countingStore()
    const keyring = new Keyring(store, pepper, system)
    const keys = Array.from({ length: keyCacheMax + 1 }, (_, at) => keyring.issue('client', `app ${at}`).key)
    for (const key of keys) keyring.verify(key)
    keyring.verify(keys.at(-1)!)
    expect(asked()).toBe(keyCacheMax + 1)
    expect(keyring.verify(keys[0]!)).toMatchObject({ ok: true, name: 'app 0' })
    expect(asked()).toBe(keyCacheMax + 2)
  })
})

describe('what is kept', () => {
  test('is the HMAC-SHA-256 of the key under the pepper, and never the key', () => {
    const store = memoryStore()
    const { key, row } = new Keyring(store, pepper, system).issue('client', 'app')
    expect(row.digest).toBe(createHmac('sha256', pepper).update(key).digest('hex'))
    expect(JSON.stringify(store.listKeys())).not.toContain(key.slice('chasm_client_'.length))
  })
})

describe('revoking', () => {
  test('stops a key that was in use at once, once, and touches no other', () => {
    const keyring = new Keyring(memoryStore(), pepper, system)
    const revoked = keyring.issue('client', 'gone')
    const kept = keyring.issue('client', 'stays')
    keyring.verify(revoked.key)
    expect(keyring.revoke(revoked.row.id)).toBeNull()
    expect(keyring.verify(revoked.key)).toEqual({ ok: false, flaw: expect.stringContaining('was revoked') })
    expect(keyring.verify(kept.key).ok).toBe(true)
    expect(keyring.revoke(revoked.row.id)).toBe('unknown')
    expect(keyring.list().map((row) => row.revokedMs === null)).toEqual([false, true])
  })

  test('tells every listener the id, after the key has stopped working', () => {
    const keyring = new Keyring(memoryStore(), pepper, system)
    const { key, row } = keyring.issue('scout', 'box')
    const heard: [string, boolean][] = []
    keyring.onDropped((id) => heard.push([id, keyring.verify(key).ok]))
    keyring.onDropped((id) => heard.push([id, keyring.verify(key).ok]))
    keyring.revoke(row.id)
    keyring.revoke('key_of_nobody')
    expect(heard).toEqual([
      [row.id, false],
      [row.id, false],
    ])
  })
})

describe('the key of the environment', () => {
  test('passes as an admin whatever its form, without asking the store', () => {
    const keyring = new Keyring(storeThatMustNotBeAsked(), pepper, system, adminKey)
    expect(keyring.verify(adminKey)).toMatchObject({ ok: true, id: 'env-admin', role: 'admin' })
    const inOurForm = makeKey('admin', system.randomBytes)
    expect(new Keyring(storeThatMustNotBeAsked(), pepper, system, inOurForm).verify(inOurForm)).toMatchObject({
      id: 'env-admin',
    })
  })

  test('passes only whole', () => {
    const keyring = new Keyring(storeThatMustNotBeAsked(), pepper, system, adminKey)
    for (const text of [adminKey.slice(1), `${adminKey} `, adminKey.toUpperCase(), '']) {
      expect(keyring.verify(text).ok).toBe(false)
    }
  })

  test('is in no list and cannot be revoked', () => {
    const keyring = new Keyring(memoryStore(), pepper, system, adminKey)
    expect(keyring.list()).toEqual([])
    expect(keyring.revoke('env-admin')).toBe('unknown')
    expect(keyring.verify(adminKey).ok).toBe(true)
  })

  test('leaves the keys of the store as they are', () => {
    const keyring = new Keyring(memoryStore(), pepper, system, adminKey)
    const { key } = keyring.issue('client', 'app')
    expect(keyring.verify(key)).toMatchObject({ ok: true, role: 'client' })
  })
})

function storeThatMustNotBeAsked(): Store {
  const store = memoryStore()
  store.keyByDigest = () => {
    throw new Error('the store was asked')
  }
  return store
}

function countingStore() {
  let count = 0
  const rows = new Map<string, KeyRow>()
  const store = memoryStore()
  store.commit = (writes) => {
    for (const write of writes) if (write.write === 'key') rows.set(write.row.digest, write.row)
  }
  store.keyByDigest = (digest) => {
    count += 1
    return rows.get(digest)
  }
  return { store, asked: () => count }
}
