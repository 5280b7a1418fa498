/** A hub on a real data folder that dies in the middle of its work, and what the next one makes of it. */
import { Database } from 'bun:sqlite'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openDataFolder } from '../../orchestrator/store/data-folder.ts'
import { realSystem } from '../../shared/system.ts'
import { IntentsBench } from '../support/hub/intents-stage.ts'
import { temporaryFolder } from '../support/machine/temporary-folder.ts'
import { intentRow, newIntent, taskRow } from '../support/store/store-rows.ts'

const root = join(import.meta.dirname, '..', '..')

/** A process that opens the folder as a hub, takes its intents up, and is killed while it works on this one. */
function killedUnder(path: string, intent: string): void {
  const script = `
    import { IntentsBench, FickleDisk } from './test/support/hub/intents-stage.ts'
    import { openDataFolder } from './orchestrator/store/data-folder.ts'
    import { realSystem } from './shared/system.ts'
    const folder = openDataFolder(${JSON.stringify(path)}, 'hub', realSystem())
    if ('flaw' in folder) throw new Error(folder.flaw)
    const bench = new IntentsBench(new FickleDisk(), {}, folder.store.nextEpoch(), folder.store)
    bench.turn()
    folder.store.noteInHand(${JSON.stringify(intent)})
    process.kill(process.pid, 'SIGKILL')
  `
  const options = { cwd: root, stdout: 'inherit', stderr: 'inherit' } as const
  const { signalCode } = Bun.spawnSync([process.execPath, '--eval', script], options)
  expect(signalCode).toBe('SIGKILL')
}

function opened(path: string) {
  const folder = openDataFolder(path, 'hub', realSystem())
  if ('flaw' in folder) throw new Error(folder.flaw)
  return folder
}

function intent(number: number) {
  const id = `int_${number}`
  return newIntent(intentRow(id, { resultNode: `node-${number}` }), [taskRow(number, id)])
}

test('an intent under which two processes were killed is set aside by the third, and the rest goes on', () => {
  const path = temporaryFolder()
  const first = opened(path)
  first.store.commit([intent(1), intent(2)])
  first.close()
  killedUnder(path, 'int_2')
  killedUnder(path, 'int_2')
  const folder = opened(path)
  const bench = new IntentsBench(undefined, {}, folder.store.nextEpoch(), folder.store)
  bench.turn()
  expect(bench.engine.intents.setAside).toMatchObject([{ intent: 'int_2' }])
  expect(folder.store.intent('int_2')).toMatchObject({ state: 'failed', fault: expect.stringContaining('ended twice') })
  expect([...folder.store.openIntents()].map((open) => open.intent.id)).toEqual(['int_1'])
  folder.close()
})

test('a task whose request is gone from the database fails with its intent alone', () => {
  const path = temporaryFolder()
  const first = opened(path)
  first.store.commit([intent(1), intent(2)])
  first.close()
  const db = new Database(join(path, 'chasm.db'))
  db.run('DELETE FROM request WHERE task = 2')
  db.close(true)
  const folder = opened(path)
  const bench = new IntentsBench(undefined, {}, folder.store.nextEpoch(), folder.store)
  bench.turn()
  expect(bench.defects).toEqual([])
  expect(bench.engine.intents.setAside).toMatchObject([{ intent: 'int_2', reason: expect.stringContaining('node-2') }])
  expect([...folder.store.openIntents()].map((open) => open.intent.id)).toEqual(['int_1'])
  folder.close()
})
