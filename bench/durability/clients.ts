/**
 * Clients of durable intents while the hub is killed: each posts with an Idempotency-Key until it gets
 * 202, then takes the next key. Now and then one repeats a request that was acknowledged, and must get the same id.
 * What was acknowledged is kept here, for the audit at the end.
 */
import type { HttpLine } from './http-line.ts'

const retryMs = 5
const repeatShare = 0.05

export class Clients {
  /** Every acknowledged intent: key to id. */
  readonly acknowledged = new Map<string, string>()
  /** Acknowledged twice under one key, with different ids. */
  contradicted = 0
  /** Requests that ended without an answer, and answers that asked to come back. */
  broken = 0
  deferred = 0
  private running = true
  private loops: Promise<void>[] = []
  private onNext: (() => void)[] = []

  start(lines: HttpLine[], needs: number): void {
    this.loops = lines.map((line, at) => this.live(line, `client-${at}`, needs))
  }

  /** Resolves with the next acknowledgement of something new. */
  next(): Promise<void> {
    return new Promise((resolve) => this.onNext.push(resolve))
  }

  async stop(): Promise<void> {
    this.running = false
    await Promise.all(this.loops)
  }

  private async live(line: HttpLine, name: string, needs: number): Promise<void> {
    for (let at = 0; this.running; at++) {
      await this.insist(line, `${name}-${at}`, scrollOf(`${name}, question ${at}`, needs))
      if (Math.random() < repeatShare)
        await this.insist(line, `${name}-${at}`, scrollOf(`${name}, question ${at}`, needs))
    }
    line.close()
  }

  private async insist(line: HttpLine, key: string, body: string): Promise<void> {
    for (;;) {
      const reply = await line.ask('POST', '/v1/intents', body, `idempotency-key: ${key}\r\n`).catch(() => null)
      if (reply?.status === 202) return this.acknowledge(key, (JSON.parse(reply.body) as { id: string }).id)
      if (reply === null) this.broken++
      else if (reply.status === 409 || reply.status === 429 || reply.status === 503) this.deferred++
      else throw new Error(`a hub answered ${reply.status}: ${reply.body}`)
      await Bun.sleep(retryMs)
    }
  }

  private acknowledge(key: string, id: string): void {
    const before = this.acknowledged.get(key)
    if (before !== undefined) {
      if (before !== id) this.contradicted++
      return
    }
    this.acknowledged.set(key, id)
    for (const wake of this.onNext.splice(0)) wake()
  }
}

/** A chain of tasks, each of which needs the one before. */
function scrollOf(prompt: string, length: number): string {
  const nodes = Array.from({ length }, (_, at) => ({
    id: `step-${at}`,
    prompt,
    needs: at === 0 ? [] : [`step-${at - 1}`],
  }))
  return JSON.stringify({ scroll: { nodes } })
}
