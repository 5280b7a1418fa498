/**
 * The last committed settlements, so that a repeated one is answered `committed` again. Fed by `settle`, read for every
 * settlement and presented lease that no current lease matches. Each process numbers its tasks consecutively, and each
 * number has its place: it is overwritten when about as many later tasks have settled as there are places.
 *
 * Plain numbers in arrays of fixed size, and the nonces by value: whatever is kept here per task would be old before it
 * dies, and a view would keep the buffer that it looks into.
 */
import { numbersPerBlock } from '../../../shared/limits/process.ts'
import { nonceBytes } from '../../../shared/protocol/frames.ts'

/** Primes, so that tasks of several processes that count alike, and the first ones of every start, lie apart. */
const placesPerBlock = 7_919
/** The same for starts, whose edges outlive them: between the places of blocks, also of some starts further on. */
const placesPerEpoch = 3_023
const numbersPerEpoch = 2 ** 32

export class CommittedSettlements {
  private readonly tasks: Float64Array
  private readonly attempts: Float64Array
  private readonly nonces: Uint8Array

  constructor(readonly capacity: number) {
    this.tasks = new Float64Array(capacity).fill(-1)
    this.attempts = new Float64Array(capacity)
    this.nonces = new Uint8Array(capacity * nonceBytes)
  }

  remember(task: number, attempt: number, nonce: Uint8Array): void {
    const place = this.placeOf(task)
    this.tasks[place] = task
    this.attempts[place] = attempt
    this.nonces.set(nonce, place * nonceBytes)
  }

  /** Whether this very settlement was committed before, as far as is remembered. */
  has(task: number, attempt: number, nonce: Uint8Array): boolean {
    const place = this.placeOf(task)
    if (this.tasks[place] !== task || this.attempts[place] !== attempt || nonce.length !== nonceBytes) return false
    let difference = 0
    for (let i = 0; i < nonceBytes; i++) difference |= this.nonces[place * nonceBytes + i]! ^ nonce[i]!
    return difference === 0
  }

  /** Without shifts all blocks of numbers would begin in one place, and all starts as well. */
  private placeOf(task: number): number {
    const blocks = Math.floor(task / numbersPerBlock)
    const epochs = Math.floor(task / numbersPerEpoch)
    return (task + blocks * placesPerBlock + epochs * placesPerEpoch) % this.capacity
  }
}
