/**
 * A JetStream work queue: each request is published and acknowledged as stored, then awaited on an inbox that travels in
 * a header. The stream lies in memory, which is the fastest it can be; on disk it would survive its server.
 */
import { AckPolicy, jetstream, jetstreamManager, RetentionPolicy, StorageType } from '@nats-io/jetstream'
import { connect, createInbox, headers } from '@nats-io/transport-node'
import { ready, setting } from '../child.mjs'
import { serveFront } from '../front.mjs'

const connection = await connect({ servers: setting.url })
const manager = await jetstreamManager(connection)
const queue = { name: 'TASKS', subjects: ['tasks'], retention: RetentionPolicy.Workqueue, storage: StorageType.Memory }
await manager.streams.add(queue)
const limits = { max_ack_pending: 20_000, max_waiting: 20_000 }
await manager.consumers.add('TASKS', { durable_name: 'workers', ack_policy: AckPolicy.Explicit, ...limits })

const stream = jetstream(connection)
const inbox = createInbox()
const waiting = new Map()
let asked = 0

connection.subscribe(`${inbox}.*`, {
  callback(error, message) {
    if (error) throw error
    const number = message.subject.slice(inbox.length + 1)
    waiting.get(number)?.(message.string())
    waiting.delete(number)
  },
})

async function ask(text) {
  const number = String(++asked)
  const answered = new Promise((resolve) => waiting.set(number, resolve))
  const envelope = headers()
  envelope.set('answer-to', `${inbox}.${number}`)
  await stream.publish('tasks', text, { headers: envelope })
  return answered
}

ready({ url: `http://127.0.0.1:${await serveFront(ask)}` })
