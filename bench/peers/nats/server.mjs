/** NATS core: each request is one request to a subject whose queue group is all the workers. The bytes pass unread. */
import { connect } from '@nats-io/transport-node'
import { ready, setting } from '../child.mjs'
import { serveFront } from '../front.mjs'

const connection = await connect({ servers: setting.url })

async function ask(text) {
  const answer = await connection.request('tasks', text, { timeout: 30_000 })
  return answer.string()
}

ready({ url: `http://127.0.0.1:${await serveFront(ask)}` })
