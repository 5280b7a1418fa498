/**
 * Tasks that end whoever takes them, beside a bystander's.
 * `attacks.ts` lists this attack.
 */
import { sleep } from '../../load/calls.ts'
import { type Attack, chatFor, type Site } from '../site/site.ts'
import type { Stranger, Task } from '../site/stranger.ts'

const model = 'hostile-deadly'
const victims = 20
const poisonAtOnce = 200
const bystanderPerSecond = 4
/** What a victim needs to come back. */
const returnMs = 1_000
const workMs = 50
/** The rest may still be under way when the attack ends. */
const answeredShareMin = 0.95

/** A scout that dies of the word, and comes back. */
async function victim(site: Site, name: string): Promise<void> {
  const onTask = async (stranger: Stranger, task: Task): Promise<void> => {
    if (task.body !== null && Buffer.from(task.body).includes('poison')) {
      stranger.cut()
      await sleep(returnMs)
      if (!site.isOver) await victim(site, name)
      return
    }
    await sleep(workMs)
    await stranger.say(task, 'hi')
  }
  await site.stranger({ name, models: [model], concurrency: 2, onTask })
}

const poison: Attack = {
  name: 'poison',
  about: `${poisonAtOnce} chats at once that end the scout that takes them, beside a bystander's`,
  prepares: true,
  async run(site) {
    await Promise.all(Array.from({ length: victims }, (_, at) => victim(site, `victim-${at}`)))
    site.begins()
    const asked: Promise<{ status: number }>[] = []
    const bystander = () => site.ask('/v1/chat/completions', chatFor(model), site.options.bystanderKey)
    site.every(bystanderPerSecond, () => void asked.push(bystander()))
    site.loop(poisonAtOnce, '/v1/chat/completions', () => chatFor(model, { user: 'poison' }))
    return async () => {
      const answers = await Promise.all(asked)
      const done = answers.filter(({ status }) => status === 200).length
      const enough = answers.length > 0 && done >= answeredShareMin * answers.length
      return enough ? [] : [`${done} of ${answers.length} chats of a bystander were answered`]
    }
  },
}

export const poisonAttacks = [poison]
