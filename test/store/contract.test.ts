import { join } from 'node:path'
import { memoryStore } from '../../orchestrator/store/memory.ts'
import { openSqlite } from '../../orchestrator/store/sqlite.ts'
import { storeContract } from '../contract/store.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

storeContract('memory', () => {
  const store = memoryStore()
  return { open: () => store }
})

storeContract('SQLite', () => {
  const path = join(temporaryFolder(), 'chasm.db')
  return {
    open() {
      const store = openSqlite(path, { mayCreate: true, checkWhole: true })
      if ('flaw' in store) throw new Error(store.flaw)
      return store
    },
  }
})
