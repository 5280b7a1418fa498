/**
 * What every bus between hubs does, whichever adapter it is. A stage gives buses that meet each other, and makes the
 * trouble that the suite asks for.
 */
import { expect, onTestFinished, test } from 'vitest'
import type { BusState, HubBus } from '../../../orchestrator/cluster/bus/bus.ts'
import { busBacklogBytesMax, hubMessageBytesMax } from '../../../shared/limits/cluster/bus.ts'
import { Conditions } from '../../support/clocks/conditions.ts'

export interface BusStage {
  connect(): HubBus
  /** Nobody reaches anybody any more, and everybody knows; or all is well again. */
  cut(isCut: boolean): Promise<void>
  /** Servers stand still: what is published is taken but goes nowhere. */
  stall(isStalled: boolean): void
  close(): Promise<void>
}

interface Member {
  bus: HubBus
  heard: string[]
  states: BusState[]
}

export function busContract(open: () => Promise<BusStage>): void {
  /** Buses that have met: each has heard every other one. */
  async function members(count: number) {
    const stage = await open()
    const changes = new Conditions()
    const all = Array.from({ length: count }, (): Member => {
      const bus = stage.connect()
      const member: Member = { bus, heard: [], states: [] }
      bus.onState((state) => {
        member.states.push(state)
        changes.changed()
      })
      bus.subscribe('test.*', (subject, message) => {
        member.heard.push(`${subject} ${Buffer.from(message).toString()}`)
        changes.changed()
      })
      return member
    })
    onTestFinished(async () => {
      await Promise.all(all.map(({ bus }) => bus.close()))
      await stage.close()
    })
    const met = async (word: string) => {
      const timer = setInterval(() => {
        for (const [at, { bus }] of all.entries()) bus.publish(`test.${at}`, Buffer.from(word))
      }, 20)
      const isMet = ({ heard }: Member, self: number) =>
        all.every((_, other) => other === self || heard.includes(`test.${other} ${word}`))
      await changes.until(`all to hear ${word}`, () => all.every(isMet))
      clearInterval(timer)
    }
    await met('hello')
    return { stage, all, met, changes }
  }

  /** Everything but the words by which members met. */
  const news = ({ heard }: Member) => heard.filter((text) => !/ (hello|again)$/.test(text))

  test('carries each message, in order and as it is, to all others who listen, and not back', async () => {
    const { all, changes } = await members(3)
    const [one, ...others] = all as [Member, ...Member[]]
    const sent = Array.from({ length: 50 }, (_, at) => `test.news ${at} ${'ä'.repeat(at)}`)
    for (const text of sent) one.bus.publish('test.news', Buffer.from(text.slice('test.news '.length)))
    await changes.until('all news', () => others.every((member) => news(member).length === sent.length))
    for (const member of others) expect(news(member)).toEqual(sent)
    expect(news(one)).toEqual([])
  })

  test('brings nothing of other subjects, and one word is one word', async () => {
    const { all, changes } = await members(2)
    const [one, other] = all as [Member, Member]
    for (const subject of ['other.a', 'test', 'test.a.b']) one.bus.publish(subject, Buffer.from('x'))
    one.bus.publish('test.last', Buffer.from('y'))
    await changes.until('the last one', () => news(other).length > 0)
    expect(news(other)).toEqual(['test.last y'])
  })

  test('takes the largest message that hubs send, and no larger one than that a server takes', async () => {
    const { all, changes } = await members(2)
    const [one, other] = all as [Member, Member]
    expect(one.bus.publish('test.large', new Uint8Array(hubMessageBytesMax))).toBe(true)
    await changes.until('the large one', () => news(other).length > 0)
    expect(news(other)[0]).toHaveLength('test.large '.length + hubMessageBytesMax)
    expect(one.bus.publish('test.larger', new Uint8Array(busBacklogBytesMax + 1))).toBe(false)
  })

  test('takes nothing while it is apart, says so, and goes on listening when it is back', async () => {
    const { stage, all, met, changes } = await members(2)
    await stage.cut(true)
    await changes.until('all to be apart', () => all.every(({ bus }) => !bus.state.isConnected))
    for (const { bus, states } of all) {
      expect(bus.publish('test.lost', Buffer.from('z'))).toBe(false)
      expect(states.at(-1)).toEqual({ isConnected: false, why: expect.any(String) })
    }
    await stage.cut(false)
    await met('again')
    for (const member of all) {
      expect(member.states.at(-1)).toMatchObject({ isConnected: true })
      expect(news(member)).toEqual([])
    }
  })

  test('bounds what waits for a server that stands still', async () => {
    const { stage, all } = await members(2)
    const [{ bus }] = all as [Member]
    stage.stall(true)
    const piece = new Uint8Array(hubMessageBytesMax)
    const taken: boolean[] = []
    for (let at = 0; at <= busBacklogBytesMax / piece.length; at++) taken.push(bus.publish('other.a', piece))
    stage.stall(false)
    expect(taken[0]).toBe(true)
    expect(taken.at(-1)).toBe(false)
  })

  test('takes nothing once it is closed', async () => {
    const { all } = await members(2)
    const [{ bus }] = all as [Member]
    await bus.close()
    expect(bus.publish('test.late', Buffer.from('z'))).toBe(false)
  })
}
