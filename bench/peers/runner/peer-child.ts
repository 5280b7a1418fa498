/**
 * One process of a peer, from its start to its end: it is given a setting, says `ready` with facts on standard output,
 * and is killed when its round is over. A process that never gets ready, or dies on the way, is one clear sentence.
 */
import { join } from 'node:path'

/** Travels as JSON in the environment; `child.mjs` reads it. */
export interface ChildSetting {
  /** The broker for a server, the server for a worker. */
  url: string
  /** The broker, for workers of peers that have one. */
  broker: string
  /** Workers this process plays, counted from `first`. */
  count: number
  first: number
  /** What each worker answers, as JSON text. */
  answer: string
  /** What workers present to the hub. */
  key: string
  /** For this hub: without what no other peer has. */
  isBare: boolean
  /** For a process that keeps files. */
  folder: string
}

type Facts = Record<string, string>

/** Programs are named relative to this folder. */
const folder = join(import.meta.dir, '..')
const readyMsMax = 120_000
const complaintCharsMax = 600

export class PeerChild {
  private complaint = ''

  private constructor(
    private readonly name: string,
    private readonly process: Bun.Subprocess<'pipe', 'pipe', 'pipe'>,
  ) {
    void this.listen()
  }

  get pid(): number {
    return this.process.pid
  }

  /** Starts a process that will say when it is ready. */
  static spawn(name: string, command: string[], setting: object): PeerChild {
    const env = {
      ...process.env,
      PEER_SETTING: JSON.stringify(setting),
      NODE_ENV: 'production',
      // The package in the place of its native part is an empty one.
      MSGPACKR_NATIVE_ACCELERATION_DISABLED: 'true',
    }
    const child = Bun.spawn(command, { env, cwd: folder, stdin: 'pipe', stdout: 'pipe', stderr: 'pipe' })
    return new PeerChild(name, child)
  }

  /** The facts behind `ready`. Rejects when the process ends first or takes too long. */
  async ready(): Promise<Facts> {
    return this.line('ready ', readyMsMax)
  }

  /** The JSON behind the first line that begins so. */
  async line<T>(beginning: string, msMax: number): Promise<T> {
    const timer = setTimeout(() => void this.kill(), msMax)
    let text = ''
    const decoder = new TextDecoder()
    for await (const bytes of this.process.stdout) {
      text += decoder.decode(bytes, { stream: true })
      const line = text
        .split('\n')
        .slice(0, -1)
        .find((said) => said.startsWith(beginning))
      if (line === undefined) continue
      clearTimeout(timer)
      return JSON.parse(line.slice(beginning.length)) as T
    }
    clearTimeout(timer)
    await this.process.exited
    const last = this.complaint.trim()
    throw new Error(`${this.name} ended or took too long before it said ${beginning.trim()}. ${last}`)
  }

  /** Ends the process at once. Resolves when it is gone. */
  async kill(): Promise<void> {
    this.process.kill('SIGKILL')
    await this.process.exited
  }

  private async listen(): Promise<void> {
    const decoder = new TextDecoder()
    for await (const bytes of this.process.stderr) {
      this.complaint = (this.complaint + decoder.decode(bytes, { stream: true })).slice(-complaintCharsMax)
    }
  }
}
