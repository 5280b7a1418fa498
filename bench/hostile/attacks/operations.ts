/**
 * What goes wrong on the operator's side while others work: a log that nobody reads, copies of the database one after
 * the other, rows that a disk has damaged. `attacks.ts` lists these attacks.
 */
import { Database } from 'bun:sqlite'
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { sleep } from '../../load/calls.ts'
import { type Attack, chatFor } from '../site/site.ts'

const backupMain = new URL('../../../orchestrator/commands/backup.ts', import.meta.url).pathname
const model = 'hostile-operations'
const intents = 40
const copyEveryMs = 500

const unreadLog: Attack = {
  name: 'unread-log',
  about: '4,000 log lines a second into a pipe that nobody reads',
  shouts: true,
  leaves: true,
  async run(site) {
    process.kill(site.options.hubPid, 'SIGUSR2')
  },
}

const backups: Attack = {
  name: 'backups',
  about: 'copies of the database one after the other beside new intents, every other one killed midway',
  async run(site) {
    const folder = join(site.options.dataDir, 'copies')
    mkdirSync(folder)
    // Of a model of their own: the intents would take all scouts of another one, and what waits for those says nothing
    // about the copies.
    await site.stranger({ name: 'intents', models: [model], onTask: (stranger, task) => stranger.say(task, 'ok') })
    site.loop(2, '/v1/intents', () => JSON.stringify({ model, input: 'x'.repeat(20_000) }))
    let made = 0
    const copies = async () => {
      for (let at = 0; !site.isOver; at++) {
        const file = join(folder, `${at}.db`)
        const child = site.spawn([backupMain, file], { DATA_DIR: site.options.dataDir })
        if (at % 2 === 1) {
          await sleep(150)
          child.kill('SIGKILL')
        }
        await child.exited
        if (existsSync(file)) made++
        else if (at % 2 === 0 && !site.isOver) site.note('no copy')
        rmSync(file, { force: true })
        // Far more often than anybody does, and not so often that starting programs is all that this machine does.
        await sleep(copyEveryMs)
      }
    }
    void copies()
    return () => {
      const whole = readdirSync(folder).filter(
        (name) => name.endsWith('.db') && Bun.file(join(folder, name)).size === 0,
      )
      const misses = whole.length === 0 ? [] : ['a copy without a byte stands under its final name']
      return made > 0 ? misses : [...misses, 'no copy was made']
    }
  },
}

/** Breaks what is stored of every other intent: a request that is gone, needs that are no JSON. */
function damage(dataDir: string): void {
  const database = new Database(join(dataDir, 'chasm.db'))
  try {
    const tasks = database.query<{ task: number }, [string]>('SELECT task FROM task WHERE model = ? ORDER BY task')
    for (const [at, { task }] of tasks.all(model).entries()) {
      if (at % 4 === 1) database.run('DELETE FROM request WHERE task = ?', [task])
      if (at % 4 === 3) database.run('UPDATE task SET needs = ? WHERE task = ?', ['{not json', task])
    }
  } finally {
    database.close()
  }
}

const damaged: Attack = {
  name: 'damaged-rows',
  about: 'a start on a database in which half of the open intents are damaged',
  prepares: true,
  whileDown: damage,
  async run(site) {
    const accepted: string[] = []
    // Nobody works on them before the damage.
    await site.stranger({ name: 'away', models: [model], concurrency: 1 })
    for (let at = 0; at < intents; at++) {
      const { text } = await site.ask('/v1/intents', chatFor(model))
      accepted.push((JSON.parse(text) as { id: string }).id)
    }
    site.begins()
    return async () => {
      await site.stranger({ name: 'away', models: [model], onTask: (stranger, task) => stranger.say(task, 'ok') })
      const states: Record<string, number> = {}
      for (let at = 0; at < 100; at++) {
        for (const state of Object.keys(states)) delete states[state]
        for (const id of accepted) {
          const { text } = await site.ask(`/v1/intents/${id}`)
          const { state } = JSON.parse(text) as { state: string }
          states[state] = (states[state] ?? 0) + 1
        }
        if (!states.running) break
        await sleep(500)
      }
      const isRight = states.failed === intents / 2 && states.done === intents / 2
      return isRight ? [] : [`of ${intents} intents, half of them damaged: ${JSON.stringify(states)}`]
    }
  },
}

export const operationAttacks = [unreadLog, backups, damaged]
