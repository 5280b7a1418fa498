/**
 * A live hub with one honest scout in the middle of a long stream, to be had beside whatever a hostile one does:
 * `undisturbed` proves that the stream goes on and that the hub answers. No time passes at the hub: a flood is one on a
 * machine of any speed, and nobody is given up meanwhile.
 */
import { expect } from 'vitest'
import { StreamReader } from '../clients/stream-reader.ts'
import { heldSystem } from '../clocks/held-system.ts'
import { LiveHub } from '../hub/live-hub.ts'
import { type ScriptedCall, ScriptedProvider } from '../providers/scripted-provider.ts'
import { contentLine, finishLine } from './raw-scout.ts'

export class Neighbourhood {
  readonly live = new LiveHub({ system: heldSystem() })
  private reader!: StreamReader
  private call!: ScriptedCall
  private said = ''

  async open(): Promise<void> {
    const provider = new ScriptedProvider('honest', ['neighbour'])
    await this.live.addScout({ name: 'neighbour', providers: [provider] })
    const body = { model: 'neighbour', stream: true, messages: [{ role: 'user', content: 'go on' }] }
    const response = this.live.post('/v1/chat/completions', body)
    this.call = await provider.call()
    await this.say('first ')
    this.reader = new StreamReader(await response)
  }

  /** The stream goes on, nothing of it missing, and the hub is well. */
  async undisturbed(): Promise<void> {
    await this.say(`word ${this.said.length} `)
    await this.reader.until('the next word', ({ text }) => text.length >= this.said.length)
    expect(this.reader.text).toBe(this.said)
    expect((await fetch(`${this.live.url}/healthz`)).status).toBe(200)
  }

  /** Ends the stream, which must have been whole, and everything else. */
  async close(): Promise<void> {
    await this.call.line(finishLine.trimEnd())
    this.call.done()
    await this.reader.over()
    const { text, isDone, error } = this.reader
    await this.live.close()
    expect({ text, isDone, error }).toEqual({ text: this.said, isDone: true, error: null })
  }

  private async say(text: string): Promise<void> {
    this.said += text
    await this.call.line(contentLine(text).trimEnd())
  }
}
