/** What every adapter of the Store port promises. `open` opens the same data again after a close. */
import { describe, expect, onTestFinished, test } from 'vitest'
import type { KeyRow, Store } from '../../orchestrator/engine/ports.ts'

export function storeContract(adapter: string, fresh: () => { open(): Store }): void {
  describe(`the store on ${adapter}`, () => {
    const opened = () => {
      const { open } = fresh()
      let current = open()
      onTestFinished(() => current.close())
      return {
        store: () => current,
        reopen() {
          current.close()
          current = open()
          return current
        },
      }
    }

    test('counts epochs upwards, and goes on after a reopen', () => {
      const { store, reopen } = opened()
      const before = [store().nextEpoch(), store().nextEpoch()]
      const after = reopen().nextEpoch()
      expect(before).toEqual([1, 2])
      expect(after).toBe(3)
    })

    test('finds a key by its digest and by its id, and nothing by another', () => {
      const { store } = opened()
      store().insertKey(row('a'))
      store().insertKey(row('b'))
      expect(store().keyByDigest('digest-b')).toEqual(row('b'))
      expect(store().keyById('a')).toEqual(row('a'))
      expect(store().keyByDigest('a')).toBeUndefined()
      expect(store().keyById('digest-a')).toBeUndefined()
    })

    test('lists keys oldest first, also when the clock was set back in between', () => {
      const { store, reopen } = opened()
      store().insertKey({ ...row('z'), createdMs: 900 })
      store().insertKey({ ...row('a'), createdMs: 100 })
      expect(
        reopen()
          .listKeys()
          .map((key) => key.id),
      ).toEqual(['z', 'a'])
    })

    test('keeps every column, with quotes and letters of any script as they were', () => {
      const { store, reopen } = opened()
      const odd: KeyRow = { ...row('a'), role: 'scout', name: `Zoë's "box"; DROP TABLE api_key; -- 狐` }
      odd.revokedMs = 7
      store().insertKey(odd)
      expect(reopen().listKeys()).toEqual([odd])
    })

    test('revokes a key once and keeps the first time', () => {
      const { store, reopen } = opened()
      store().insertKey(row('a'))
      expect(store().revokeKey('a', 500)).toBe(true)
      expect(store().revokeKey('a', 600)).toBe(false)
      expect(store().revokeKey('nobody', 600)).toBe(false)
      expect(reopen().keyByDigest('digest-a')?.revokedMs).toBe(500)
    })

    test('refuses a second key with the same id or digest and keeps the first', () => {
      const { store } = opened()
      store().insertKey(row('a'))
      expect(() => store().insertKey({ ...row('b'), id: 'a' })).toThrow()
      expect(() => store().insertKey({ ...row('b'), digest: 'digest-a' })).toThrow()
      expect(store().listKeys()).toEqual([row('a')])
    })

    test('gives out copies: changing a row changes nothing in the store', () => {
      const { store } = opened()
      const given = row('a')
      store().insertKey(given)
      given.name = 'changed'
      store().keyById('a')!.revokedMs = 1
      expect(store().listKeys()).toEqual([row('a')])
    })
  })
}

function row(id: string): KeyRow {
  return { id, role: 'client', name: `key ${id}`, digest: `digest-${id}`, createdMs: 1_000, revokedMs: null }
}
