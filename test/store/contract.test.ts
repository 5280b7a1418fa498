import { join } from 'node:path'
import type { Store } from '../../orchestrator/engine/ports/store.ts'
import { MemoryDisk } from '../../orchestrator/store/memory/disk.ts'
import { memoryStore } from '../../orchestrator/store/memory/store.ts'
import { openSqlite } from '../../orchestrator/store/sqlite/open.ts'
import { storeContract } from '../contract/store.ts'
import { temporaryFolder } from '../support/machine/temporary-folder.ts'

storeContract('memory', () => {
  const disk = new MemoryDisk()
  const copyPath = 'a copy'
  return { open: () => memoryStore(disk), copyPath, openCopy: () => memoryStore(disk.copies.get(copyPath)!) }
})

storeContract('SQLite', () => {
  const folder = temporaryFolder()
  const copyPath = join(folder, 'copy.db')
  return { open: () => opened(join(folder, 'chasm.db')), copyPath, openCopy: () => opened(copyPath) }
})

function opened(path: string): Store {
  const store = openSqlite(path, { mayCreate: true, checkWhole: true })
  if ('flaw' in store) throw new Error(store.flaw)
  return store
}
