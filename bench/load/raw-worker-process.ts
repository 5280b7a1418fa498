/**
 * The other end of the raw relay: a few bare sockets that answer every request with a stream of the same stamped lines
 * that the fleet's provider writes, one message and one turn of the loop per line, without a scout around them.
 */
import { websocketDial } from '../../scout/link/socket.ts'
import { realSystem } from '../../shared/system.ts'
import { answerCalls } from './calls.ts'
import { contentLine, lastLine, stamp, stampHash } from './stamps.ts'

type Send = (line: string | null) => void

async function stream(tokens: number, send: Send): Promise<void> {
  const askedMs = performance.now()
  let hash = 0
  for (let token = 0; token < tokens; token++) {
    await new Promise((resolve) => setImmediate(resolve))
    const nowMs = performance.now()
    const piece = stamp(token, nowMs, nowMs - askedMs)
    hash = stampHash(hash, piece)
    send(contentLine(piece))
  }
  send(contentLine(`#${hash}`))
  send(lastLine)
  send('[DONE]')
  send(null)
}

const calls = {
  /** Connects so many workers to the raw server; resolves when they are. */
  async work({ port, count, tokens }: { port: number; count: number; tokens: number }): Promise<void> {
    const dial = websocketDial(`ws://127.0.0.1:${port}/`, 'none', realSystem())
    const one = () => {
      const opened = Promise.withResolvers<void>()
      const socket = dial({
        opened: () => opened.resolve(),
        refused: (status) => opened.reject(new Error(`refused with ${status}`)),
        closed: (_code, reason) => opened.reject(new Error(reason)),
        message(bytes) {
          const head = Buffer.from(bytes!)
          void stream(tokens, (line) => socket.send(line === null ? head : Buffer.concat([head, Buffer.from(line)])))
        },
      })
      return opened.promise
    }
    await Promise.all(Array.from({ length: count }, one))
  },
}

export type RawWorkerCalls = typeof calls

answerCalls(calls)
