/** Workers on BullMQ: one Worker each, with the two Redis connections that it opens by default. */
import { Worker } from 'bullmq'
import { openWorkers, ready, setting } from '../child.mjs'

const answer = JSON.parse(setting.answer)
const connection = { host: '127.0.0.1', port: Number(new URL(setting.broker).port), maxRetriesPerRequest: null }

async function open() {
  const worker = new Worker('tasks', async () => answer, { connection, concurrency: 1 })
  await worker.waitUntilReady()
}

await openWorkers(open)
ready()
