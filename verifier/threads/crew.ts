/**
 * Checks the lines of a large file in several threads. The thread that reads gives each chunk to the next worker, which
 * proves its lines one by one, and puts together what comes back in the order of the file: so it finds what one thread
 * finds. Rules stand in few lines and count for all that follow; the other workers are told of them.
 */
import { parentPort, Worker, workerData } from 'node:worker_threads'
import type { LedgerCheck } from '../ledger-check.ts'
import { LineCheck, type LineProof } from '../line-check.ts'
import { chunksOf, linesIn } from './chunks.ts'

/** Chunks that one worker has or waits for: it is never idle, and few are in memory. */
const chunksAhead = 2
const rulesBeginning = Buffer.from('{"rules":')
const lineFeed = 0x0a

interface Job {
  chunk: Uint8Array
  /** It begins with the first line of the file. */
  isFirst: boolean
}
/** `rules`: a line that has some. */
type Told = Job | { rules: string }

/** `program`: the file that runs `work` in a worker. Throws the first flaw. */
export async function checkInThreads(
  { file, hub, program, threads }: { file: string; hub: string; program: URL; threads: number },
  check: LedgerCheck,
): Promise<void> {
  const workers = Array.from({ length: threads }, () => new Helper(program, hub))
  const under: Promise<LineProof[]>[] = []
  const takeOldest = async () => {
    for (const proof of await under.shift()!) check.add(proof)
  }
  try {
    let chunks = 0
    for await (const chunk of chunksOf(file)) {
      const worker = workers[chunks % threads]!
      const rules = rulesIn(chunk)
      const proofs = worker.prove({ chunk, isFirst: chunks === 0 })
      // Thrown when its turn comes.
      proofs.catch(() => {})
      under.push(proofs)
      for (const other of workers) if (other !== worker) for (const line of rules) other.tell({ rules: line })
      chunks++
      if (under.length >= chunksAhead * threads) await takeOldest()
    }
    while (under.length > 0) await takeOldest()
  } finally {
    for (const worker of workers) worker.end()
  }
}

interface Waiting {
  resolve(proofs: LineProof[]): void
  reject(error: unknown): void
}

/** One worker as the thread that reads sees it. */
class Helper {
  private readonly worker: Worker
  private readonly waiting: Waiting[] = []

  constructor(program: URL, hub: string) {
    this.worker = new Worker(program, { workerData: hub })
    this.worker.on('message', (proofs: LineProof[]) => this.waiting.shift()!.resolve(proofs))
    this.worker.on('error', (error) => {
      for (const { reject } of this.waiting.splice(0)) reject(error)
    })
  }

  prove(job: Job): Promise<LineProof[]> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject })
      this.tell(job)
    })
  }

  tell(told: Told): void {
    this.worker.postMessage(told)
  }

  end(): void {
    void this.worker.terminate()
  }
}

/** What a worker does: it is told of chunks and rules, and answers each chunk with what its lines prove. */
export function work(): void {
  const lines = new LineCheck(workerData as string)
  parentPort!.on('message', (told: Told) => {
    // What is wrong with them is found where they stand.
    if ('rules' in told) return void lines.prove(told.rules, false)
    const proofs: LineProof[] = []
    for (const [at, line] of linesIn(told.chunk).entries()) {
      const proof = lines.prove(line, told.isFirst && at === 0)
      proofs.push(proof)
      // Nothing behind it counts.
      if (proof.flaw !== null) break
    }
    parentPort!.postMessage(proofs)
  })
}

/** Its lines with rules. */
function rulesIn(chunk: Uint8Array): string[] {
  const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
  const found: string[] = []
  for (let from = 0; from < bytes.length; ) {
    const to = bytes.indexOf(lineFeed, from)
    if (bytes.subarray(from, from + rulesBeginning.length).equals(rulesBeginning)) {
      found.push(bytes.toString('utf8', from, to))
    }
    from = to + 1
  }
  return found
}
