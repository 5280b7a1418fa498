/** However many large bodies arrive at once, one turn of the loop takes in a few pieces of them. */
import { expect, test } from 'vitest'
import { BodyReads } from '../../../orchestrator/http/body-reads.ts'
import { bodyPiecesPerTurn, discardedBodiesMax } from '../../../shared/limits/http.ts'
import { ManualSystem } from '../../support/clocks/manual-system.ts'

const pieceBytes = 100_000
const pieces = 5
const count = discardedBodiesMax

/** All of it is there at once. `onPull` is told of each piece that the reader takes. */
function request(onPull: () => void): Request {
  let left = pieces
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (left-- === 0) return controller.close()
        onPull()
        controller.enqueue(new Uint8Array(pieceBytes))
      },
    },
    { highWaterMark: 0 },
  )
  return new Request('http://hub/', { method: 'POST', body })
}

/** Lets everything run that waits for nothing but the loop, turn by turn; how much was taken in each. */
async function perTurn(system: ManualSystem, isOver: () => boolean, taken: () => number): Promise<number[]> {
  const turns: number[] = []
  for (let before = 0; !isOver(); before = taken()) {
    await new Promise((resolve) => setImmediate(resolve))
    turns.push(taken() - before)
    system.turn()
  }
  return turns
}

test.each(['read', 'dropped'])('%s', async (how) => {
  const system = new ManualSystem()
  const reads = new BodyReads(system)
  let taken = 0
  let over = 0
  const piece = () => {
    taken++
    return null
  }
  const bodies = Array.from({ length: count }, async () => {
    const length = pieces * pieceBytes
    const outcome =
      how === 'read'
        ? await reads.read(
            request(() => {}),
            length,
            length,
            () => null,
            piece,
          )
        : await reads.discard(request(() => void piece()))
    over++
    return outcome
  })
  const turns = await perTurn(
    system,
    () => over === count,
    () => taken,
  )
  expect(taken).toBe(count * pieces)
  expect(Math.max(...turns)).toBeLessThanOrEqual(bodyPiecesPerTurn)
  for (const outcome of await Promise.all(bodies)) {
    expect(outcome instanceof Uint8Array ? outcome.length : outcome).toBe(how === 'read' ? pieces * pieceBytes : true)
  }
  reads.stop()
})
