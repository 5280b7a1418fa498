/** BullMQ on Redis: each request is a job, its result awaited through the queue's events. Redis keeps nothing on disk. */
import { Queue, QueueEvents } from 'bullmq'
import { ready, setting } from '../child.mjs'
import { serveFront } from '../front.mjs'

const connection = { host: '127.0.0.1', port: Number(new URL(setting.url).port), maxRetriesPerRequest: null }
// Removed at once, a job could be gone before its result is asked for.
const kept = { removeOnComplete: { count: 2_000 }, removeOnFail: { count: 2_000 } }
const queue = new Queue('tasks', { connection, defaultJobOptions: kept })
const events = new QueueEvents('tasks', { connection })
events.setMaxListeners(0)
await Promise.all([queue.waitUntilReady(), events.waitUntilReady()])

async function ask(text) {
  const job = await queue.add('task', JSON.parse(text))
  return JSON.stringify(await job.waitUntilFinished(events, 30_000))
}

ready({ url: `http://127.0.0.1:${await serveFront(ask)}` })
