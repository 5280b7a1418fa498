/** Workers on NATS core: one connection and one member of the queue group each. */
import { connect } from '@nats-io/transport-node'
import { openWorkers, ready, setting } from '../child.mjs'

async function open() {
  const connection = await connect({ servers: setting.broker })
  connection.subscribe('tasks', {
    queue: 'workers',
    callback(error, message) {
      if (error) throw error
      message.json()
      message.respond(setting.answer)
    },
  })
  await connection.flush()
}

await openWorkers(open)
ready()
