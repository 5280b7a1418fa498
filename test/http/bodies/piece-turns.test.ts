/** However many large bodies arrive at once, one turn of the loop takes in one piece, and rests as other long work. */
import { expect, test } from 'vitest'
import { BodyReads } from '../../../orchestrator/http/body-reads.ts'
import { discardedBodiesMax } from '../../../shared/limits/http.ts'
import { laneRestFactor } from '../../../shared/limits/process.ts'
import { TurnLane } from '../../../shared/turn-lane.ts'
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
  const reads = new BodyReads(system, new TurnLane(system))
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
  expect(Math.max(...turns)).toBe(1)
  for (const outcome of await Promise.all(bodies)) {
    expect(outcome instanceof Uint8Array ? outcome.length : outcome).toBe(how === 'read' ? pieces * pieceBytes : true)
  }
  reads.stop()
})

test('behind a piece that took long the loop is left to others', async () => {
  const system = new ManualSystem()
  const reads = new BodyReads(system, new TurnLane(system))
  const tookMs = 5
  let taken = 0
  const whole = reads.read(
    request(() => {}),
    pieces * pieceBytes,
    pieces * pieceBytes,
    () => null,
    () => {
      taken++
      system.stand(tookMs)
      return null
    },
  )
  const untilQuiet = async () => {
    for (let quiet = 0; quiet < 5; ) {
      await new Promise((resolve) => setImmediate(resolve))
      quiet = system.turn() ? 0 : quiet + 1
    }
  }
  await untilQuiet()
  expect(taken).toBe(1)
  system.pass(tookMs * laneRestFactor - 1)
  await untilQuiet()
  expect(taken).toBe(1)
  system.pass(1)
  await untilQuiet()
  expect(taken).toBeGreaterThan(1)
  for (; taken < pieces; system.pass(tookMs * laneRestFactor)) await untilQuiet()
  await untilQuiet()
  expect(await whole).toBeInstanceOf(Uint8Array)
  reads.stop()
})
