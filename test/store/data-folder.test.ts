import { Database } from 'bun:sqlite'
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Keyring } from '../../orchestrator/engine/keyring.ts'
import { type DataFolder, type FolderUse, openDataFolder } from '../../orchestrator/store/data-folder.ts'
import { nonceSeal } from '../../orchestrator/store/nonce-seal.ts'
import { openSqlite } from '../../orchestrator/store/sqlite/open.ts'
import { realSystem } from '../../shared/system.ts'
import { temporaryFolder } from '../support/machine/temporary-folder.ts'
import { intentRow, newIntent, nonce, outcome, settle, taskRow } from '../support/store/store-rows.ts'

const system = realSystem()

describe('the data folder', () => {
  test('is made on the first start, readable by its owner alone', () => {
    const path = join(temporaryFolder(), 'deep', 'data')
    open(path, 'hub').close()
    expect(statSync(path).mode & 0o777).toBe(0o700)
    expect(statSync(join(path, 'pepper')).mode & 0o777).toBe(0o600)
    expect(readdirSync(path).sort()).toEqual(['chasm.db', 'hub.lock', 'pepper'])
  })

  test('keeps its pepper, so that keys go on working', () => {
    const path = temporaryFolder()
    const first = open(path, 'hub')
    const { key } = new Keyring(first.store, first.pepper, system).issue('client', 'mine')
    first.close()
    const second = open(path, 'hub')
    expect(second.pepper).toHaveLength(32)
    expect(new Keyring(second.store, second.pepper, system).verify(key)).toMatchObject({ ok: true, name: 'mine' })
  })

  test('never holds a key as it is, in any file, while open or closed', () => {
    const path = temporaryFolder()
    const folder = open(path, 'hub')
    const keyring = new Keyring(folder.store, folder.pepper, system, 'an admin key from the environment')
    const { key, row } = keyring.issue('scout', 'a name to be found')
    keyring.verify(key)
    keyring.revoke(row.id)
    const secret = key.slice('chasm_scout_'.length, -6)
    const whileOpen = contents(path)
    folder.close()
    for (const bytes of [whileOpen, contents(path)]) {
      expect(bytes.includes('a name to be found')).toBe(true)
      expect(bytes.includes(secret)).toBe(false)
      expect(bytes.includes('an admin key')).toBe(false)
    }
  })

  test('is refused when its pepper is gone but keys are there, and nothing is made anew', () => {
    const path = temporaryFolder()
    const folder = open(path, 'hub')
    new Keyring(folder.store, folder.pepper, system).issue('client', 'mine')
    folder.close()
    rmSync(join(path, 'pepper'))
    expect(refusal(path, 'hub')).toMatch(/pepper is missing.*restore it from a backup/)
    expect(existsSync(join(path, 'pepper'))).toBe(false)
  })

  test('is refused when its database is gone but the pepper is there, and nothing is made anew', () => {
    const path = temporaryFolder()
    open(path, 'hub').close()
    rmSync(join(path, 'chasm.db'))
    expect(refusal(path, 'hub')).toMatch(/chasm\.db is missing or empty.*restore it from a backup/)
    expect(existsSync(join(path, 'chasm.db'))).toBe(false)
  })

  test('is refused when its pepper was cut', () => {
    const path = temporaryFolder()
    open(path, 'hub').close()
    writeFileSync(join(path, 'pepper'), 'short')
    expect(refusal(path, 'guest')).toMatch(/pepper is damaged \(5 bytes, not 32\)/)
  })

  test('is refused when a file is in its place', () => {
    const path = join(temporaryFolder(), 'file')
    writeFileSync(path, '')
    expect(refusal(path, 'hub')).toMatch(/cannot be used as the data folder \(EEXIST\): set DATA_DIR/)
  })

  test('is free again after every refusal', () => {
    const path = temporaryFolder()
    open(path, 'hub').close()
    const pepper = readFileSync(join(path, 'pepper'))
    writeFileSync(join(path, 'pepper'), 'short')
    refusal(path, 'hub')
    writeFileSync(join(path, 'pepper'), pepper)
    open(path, 'hub')
  })
})

describe('a second hub on the same folder', () => {
  test('is refused by name of the first, which goes on; a guest is let in', () => {
    const path = temporaryFolder()
    const first = open(path, 'hub')
    const says = `${path} is in use by another hub (process ${process.pid}): stop that one first, or set DATA_DIR`
    expect(refusal(path, 'hub')).toContain(says)
    const guest = open(path, 'guest')
    const { key } = new Keyring(guest.store, guest.pepper, system).issue('client', 'new')
    guest.close()
    expect(new Keyring(first.store, first.pepper, system).verify(key)).toMatchObject({ ok: true, name: 'new' })
    expect(refusal(path, 'hub')).toContain('in use')
  })

  test('may start once the first has closed', () => {
    const path = temporaryFolder()
    open(path, 'hub').close()
    open(path, 'hub')
  })

  test('is refused while a process holds the folder, and let in as soon as that was killed with kill -9', async () => {
    const path = temporaryFolder()
    const child = await hubProcess(path)
    expect(refusal(path, 'hub')).toContain(`(process ${child.pid})`)
    child.kill('SIGKILL')
    await child.exited
    const after = open(path, 'hub')
    expect(after.store.nextEpoch()).toBe(child.epoch + 1)
    expect(after.store.listKeys().map((row) => row.name)).toEqual(['made before the kill'])
  })
})

describe('nonces of leases', () => {
  const lease = { write: 'lease', task: 1, attempt: 1, nonce, scout: 's', instance: 'i' } as const

  test('are in no file as they are, and settle all the same, also after a restart', () => {
    const path = temporaryFolder()
    const first = open(path, 'hub')
    first.store.commit([newIntent(intentRow('int_1'), [taskRow(1, 'int_1'), taskRow(2, 'int_1')]), lease])
    expect(first.store.tasksOf('int_1')[0]!.nonce).toEqual(nonce)
    expect(contents(path).includes(nonce)).toBe(false)
    first.close()
    const { store } = open(path, 'hub')
    expect([...store.openIntents()][0]!.tasks[0]!.nonce).toEqual(nonce)
    expect(store.openIntent('int_1')!.tasks[0]!.nonce).toEqual(nonce)
    expect(outcome(store, [settle(1, { nonce: nonce.with(0, 9) })])).toBe('fenced')
    expect(outcome(store, [settle(1)])).toBe('committed')
    expect([store.isCommitted(1, 1, nonce), store.isCommitted(1, 1, nonce.with(0, 9))]).toEqual([true, false])
    expect(contents(path).includes(nonce)).toBe(false)
  })

  test('of an earlier version, which stored them open, are sealed once and still settle', () => {
    const path = temporaryFolder()
    open(path, 'hub').close()
    // Around the data folder: as the version before did.
    const old = openSqlite(join(path, 'chasm.db'), { mayCreate: false, checkWhole: true })
    if ('flaw' in old) throw new Error(old.flaw)
    old.commit([newIntent(intentRow('int_1'), [taskRow(1, 'int_1')]), lease])
    old.close()
    const db = new Database(join(path, 'chasm.db'))
    db.run('UPDATE hub SET sealed = 0')
    db.close(true)
    const { store, close } = open(path, 'hub')
    expect(store.tasksOf('int_1')[0]!.nonce).toEqual(nonce)
    expect(outcome(store, [settle(1)])).toBe('committed')
    close()
    expect(open(path, 'hub').store.isCommitted(1, 1, nonce)).toBe(true)
  })

  test('mean nothing without the pepper', () => {
    const one = nonceSeal(new Uint8Array(32))
    expect(one.unseal(one.seal(nonce))).toEqual(nonce)
    expect(nonceSeal(new Uint8Array(32).fill(1)).unseal(one.seal(nonce))).not.toEqual(nonce)
  })
})

/** A process that opens the folder as a hub, writes, says so, and stays. */
async function hubProcess(path: string) {
  const script = `
    import { Keyring } from './orchestrator/engine/keyring.ts'
    import { openDataFolder } from './orchestrator/store/data-folder.ts'
    import { realSystem } from './shared/system.ts'
    const folder = openDataFolder(${JSON.stringify(path)}, 'hub', realSystem())
    new Keyring(folder.store, folder.pepper, realSystem()).issue('client', 'made before the kill')
    process.stdout.write(String(folder.store.nextEpoch()) + '\\n')
    setInterval(() => {}, 1 << 30)
  `
  const root = join(import.meta.dirname, '..', '..')
  const child = Bun.spawn([process.execPath, '--eval', script], { cwd: root, stdout: 'pipe', stderr: 'inherit' })
  onTestFinished(() => child.kill('SIGKILL'))
  const { value } = await child.stdout.getReader().read()
  return {
    pid: child.pid,
    epoch: Number(new TextDecoder().decode(value)),
    exited: child.exited,
    kill: (signal: 'SIGKILL') => child.kill(signal),
  }
}

function open(path: string, use: FolderUse): DataFolder {
  const folder = openDataFolder(path, use, system)
  if ('flaw' in folder) throw new Error(folder.flaw)
  onTestFinished(folder.close)
  return folder
}

function refusal(path: string, use: FolderUse): string {
  const result = openDataFolder(path, use, system)
  if ('flaw' in result) return result.flaw
  result.close()
  throw new Error('the folder was opened')
}

function contents(path: string): Buffer {
  return Buffer.concat(readdirSync(path).map((name) => readFileSync(join(path, name))))
}
