/**
 * The child's end of the line between the bench and its processes: named calls with one parameter each, answered by
 * message. A process of the bench hands its table of calls to `answerCalls` and lives until its parent is gone;
 * `child.ts` is the other end and takes the types of the calls from the same table.
 */

/** What a process can be asked to do. */
// biome-ignore lint/suspicious/noExplicitAny: each call has its own parameter; callers see them typed
export type Calls = Record<string, (params: any) => unknown>

export interface Ask {
  id: number
  name: string
  params: unknown
}

export type Reply = { up: true } | { id: number; result: unknown } | { id: number; error: string }

/** Answers calls until the parent disconnects, which ends this process. */
export function answerCalls(calls: Calls): void {
  const send = (reply: Reply) => process.send?.(reply)
  process.on('message', async ({ id, name, params }: Ask) => {
    try {
      send({ id, result: await calls[name]!(params) })
    } catch (error) {
      send({ id, error: `${name}: ${error instanceof Error ? error.message : String(error)}` })
    }
  })
  process.on('disconnect', () => process.exit(0))
  // The ordinary way to end, for a process that has a profile to write.
  process.on('SIGTERM', () => process.exit(0))
  send({ up: true })
}

/** Milliseconds since 1970 with fractions, comparable between the processes of one machine. */
export function clockMs(): number {
  return performance.timeOrigin + performance.now()
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
