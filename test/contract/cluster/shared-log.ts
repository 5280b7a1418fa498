/** What every log that hubs share does, whichever adapter it is. A stage opens connections to one and makes trouble. */
import { expect, onTestFinished, test } from 'vitest'
import { after, type SharedLog } from '../../../orchestrator/cluster/journal/log.ts'
import { hubMessageBytesMax } from '../../../shared/limits/cluster/bus.ts'
import { until } from '../../support/clocks/until.ts'

export interface LogStage {
  /** Another connection to the same log. */
  connect(): SharedLog
  /** Nobody reaches it any more, and everybody knows; or all is well again. */
  cut(isCut: boolean): Promise<void>
  /** In front of every subject. */
  prefix: string
  close(): Promise<void>
}

const bytes = (text: string) => Buffer.from(text)

export function logContract(open: () => Promise<LogStage>): void {
  async function stageOf(count: number) {
    const stage = await open()
    onTestFinished(() => stage.close())
    const logs = Array.from({ length: count }, () => stage.connect())
    await until('the log to be open', () => logs.every(({ apart }) => apart === null))
    const subject = (name: string) => `${stage.prefix}.intent.${name}`
    // Its servers may be about to choose who leads it, and an append meanwhile has no answer.
    for (const log of logs) await sure(() => log.last(subject('first')))
    return { stage, logs, subject }
  }

  /** Everything of a subject, read as a reader does. */
  async function contents(log: SharedLog, subject: string): Promise<string[]> {
    const end = await sure(() => log.last(subject))
    const found: string[] = []
    for (let at = 0; at < end; ) {
      const next = await sure(() => after(log, subject, at))
      found.push(Buffer.from(next.message).toString())
      at = next.seq
    }
    return found
  }

  /** Asks until there is an answer: servers that have just met elect their leaders first. */
  async function sure<Answer>(ask: () => Promise<Answer | 'unsure'>): Promise<Answer> {
    for (;;) {
      const answer = await ask()
      if (answer !== 'unsure') return answer
    }
  }

  async function appended(log: SharedLog, subject: string, text: string, last: number): Promise<number> {
    const outcome = await log.append(subject, bytes(text), last)
    if (typeof outcome === 'string') throw new Error(`"${text}" was not appended: ${outcome}`)
    return outcome.seq
  }

  test('appends behind the last message that is named, and nowhere else', async () => {
    const { logs, subject } = await stageOf(2)
    const [one, other] = logs as [SharedLog, SharedLog]
    const first = await appended(one, subject('a'), 'a1', 0)
    expect(await other.append(subject('a'), bytes('late'), 0)).toBe('conflict')
    const second = await appended(other, subject('a'), 'a2', first)
    expect(await one.append(subject('a'), bytes('late'), first)).toBe('conflict')
    await appended(one, subject('a'), 'a3', second)
    expect(await one.append(subject('b'), bytes('early'), second)).toBe('conflict')
    expect(await contents(one, subject('a'))).toEqual(['a1', 'a2', 'a3'])
  })

  test('of many who append at the same place one is there, and the others know it', async () => {
    const { logs, subject } = await stageOf(3)
    let last = 0
    for (const round of Array(8).keys()) {
      const tries = Array.from({ length: 30 }, (_, at) =>
        logs[at % 3]!.append(subject('race'), bytes(`try ${at} of round ${round}`), last),
      )
      const outcomes = await Promise.all(tries)
      const appended = outcomes.filter((outcome) => typeof outcome === 'object')
      expect(appended).toHaveLength(1)
      expect(outcomes).toContain('conflict')
      last = appended[0]!.seq
      expect(await contents(logs[0]!, subject('race'))).toHaveLength(round + 1)
    }
  })

  test('says of the same append, asked again, that something is there', async () => {
    const { logs, subject } = await stageOf(1)
    const [log] = logs as [SharedLog]
    const first = await appended(log, subject('again'), 'first', 0)
    await appended(log, subject('again'), 'second', first)
    expect(await log.append(subject('again'), bytes('second'), first)).toBe('conflict')
    expect(await contents(log, subject('again'))).toEqual(['first', 'second'])
  })

  test('keeps each subject apart, in its order, byte for byte, up to the largest message', async () => {
    const { logs, subject } = await stageOf(1)
    const [log] = logs as [SharedLog]
    const large = new Uint8Array(hubMessageBytesMax).map((_, at) => at % 251)
    let last = 0
    for (const text of ['x', 'y']) last = await appended(log, subject('texts'), text, last)
    const outcome = await log.append(subject('large'), large, 0)
    await appended(log, subject('texts'), 'z', last)
    expect(await contents(log, subject('texts'))).toEqual(['x', 'y', 'z'])
    const found = await after(log, subject('large'), 0)
    expect(outcome).toEqual({ seq: typeof found === 'object' ? found.seq : 0 })
    expect(Buffer.compare((found as { message: Uint8Array }).message, large)).toBe(0)
    expect(await log.last(subject('nothing'))).toBe(0)
  })

  test('is read across subjects by a pattern, in the order in which all were appended', async () => {
    const { stage, logs, subject } = await stageOf(2)
    const [one, other] = logs as [SharedLog, SharedLog]
    const pattern = subject('*')
    expect(await one.last(pattern)).toBe(0)
    await appended(one, `${stage.prefix}.open.alpha.i9`, 'not meant', 0)
    for (const name of ['c', 'a', 'b']) await appended(one, subject(name), name, 0)
    const end = await appended(other, subject('c'), 'c2', await sure(() => one.last(subject('c'))))
    expect(await sure(() => one.last(pattern))).toBe(end)
    const found: string[] = []
    for (let at = 0; at < end; ) {
      const next = await sure(() => after(other, pattern, at))
      found.push(`${next.subject.slice(stage.prefix.length)} ${Buffer.from(next.message)}`)
      at = next.seq
    }
    expect(found).toEqual(['.intent.c c', '.intent.a a', '.intent.b b', '.intent.c c2'])
  })

  test('is read on by a pattern until nothing is shown any more', async () => {
    const { stage, logs, subject } = await stageOf(2)
    const [one, other] = logs as [SharedLog, SharedLog]
    const pattern = subject('*')
    expect(await sure(() => other.next(pattern, 0))).toBeNull()
    await appended(one, `${stage.prefix}.open.alpha.i9`, 'not meant', 0)
    for (const name of ['b', 'a']) await appended(one, subject(name), name, 0)
    const found: string[] = []
    let at = 0
    // Another server than the one that was written to may lag.
    while (found.length < 2) {
      const next = await sure(() => other.next(pattern, at))
      if (next === null) continue
      found.push(Buffer.from(next.message).toString())
      at = next.seq
    }
    expect(found).toEqual(['b', 'a'])
    expect(await sure(() => other.next(pattern, at))).toBeNull()
  })

  test('lists subjects by their words, and forgets what is erased', async () => {
    const { stage, logs, subject } = await stageOf(1)
    const [log] = logs as [SharedLog]
    const mark = (hub: string, id: string) => `${stage.prefix}.open.${hub}.${id}`
    for (const id of ['i1', 'i2', 'i3']) await appended(log, mark('alpha', id), '', 0)
    await appended(log, mark('beta', 'i4'), '', 0)
    await appended(log, subject('i1'), 'life', 0)
    const listed = async () => {
      const found = await log.subjects(mark('alpha', '*'), 10)
      return found === 'unsure' ? found : found.subjects.toSorted()
    }
    expect(await listed()).toEqual(['i1', 'i2', 'i3'].map((id) => mark('alpha', id)))
    expect((await sure(() => log.subjects(mark('alpha', '*'), 2))).subjects).toHaveLength(2)
    expect(await log.erase(mark('alpha', 'i2'))).toBe(true)
    expect(await listed()).toEqual(['i1', 'i3'].map((id) => mark('alpha', id)))
    expect(await log.erase(subject('i1'))).toBe(true)
    expect(await log.last(subject('i1'))).toBe(0)
    await appended(log, subject('i1'), 'again', 0)
    const end = await sure(() => log.last(mark('alpha', '*')))
    await appended(log, mark('alpha', 'i5'), '', 0)
    await appended(log, mark('beta', 'i6'), '', 0)
    expect(await log.erase(mark('alpha', '*'), end)).toBe(true)
    expect(await listed()).toEqual([mark('alpha', 'i5')])
    expect((await sure(() => log.subjects(mark('beta', '*'), 10))).subjects).toHaveLength(2)
    const filled = await log.filled()
    expect(filled).toBeLessThan(0.5)
  })

  test('says that it is apart, promises nothing meanwhile, and has kept what it had', async () => {
    const { stage, logs, subject } = await stageOf(1)
    const [log] = logs as [SharedLog]
    const last = await appended(log, subject('kept'), 'before', 0)
    await stage.cut(true)
    await until('the log to be apart', () => log.apart !== null)
    const late = log.append(subject('kept'), bytes('meanwhile'), last)
    expect(['unsure', 'conflict']).toContain(await late)
    await stage.cut(false)
    await until('the log to be back', () => log.apart === null)
    expect((await contents(log, subject('kept')))[0]).toBe('before')
  })
}
