/** Workers on JetStream: each pulls one task at a time from the shared consumer, answers, and acknowledges. */
import { jetstream } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { openWorkers, ready, setting } from '../child.mjs'

async function open() {
  const connection = await connect({ servers: setting.broker })
  const consumer = await jetstream(connection).consumers.get('TASKS', 'workers')
  await consumer.consume({
    max_messages: 1,
    callback(message) {
      message.json()
      connection.publish(message.headers.get('answer-to'), setting.answer)
      message.ack()
    },
  })
  await connection.flush()
}

await openWorkers(open)
ready()
