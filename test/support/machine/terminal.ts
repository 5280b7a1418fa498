/**
 * A program on a terminal of its own, as a person sits in front of it: what it draws can be waited for, keys can be
 * pressed. Whatever still runs when the test is over is killed.
 */
import { onTestFinished } from 'vitest'
import { Conditions } from '../clocks/conditions.ts'

export const keys = { enter: '\r', down: '\x1b[B', space: ' ', ctrlC: '\x03' }

export class TerminalProgram {
  /** All it ever wrote, with the terminal's commands in it. */
  raw = ''
  readonly exited: Promise<number>
  private readonly child: Bun.Subprocess
  private readonly conditions = new Conditions()
  private seen = 0

  constructor(command: string[], folder: string, env: Record<string, string>, columns = 100) {
    const decoder = new TextDecoder()
    this.child = Bun.spawn(command, {
      cwd: folder,
      env: { PATH: process.env.PATH, TERM: 'xterm-256color', ...env },
      terminal: {
        cols: columns,
        rows: 40,
        data: (_, bytes) => {
          this.raw += decoder.decode(bytes, { stream: true })
          this.conditions.changed()
        },
      },
    })
    this.exited = this.child.exited
    onTestFinished(() => this.child.kill('SIGKILL'))
  }

  signal(name: 'SIGTERM'): void {
    this.child.kill(name)
  }

  press(...pressed: string[]): void {
    for (const key of pressed) this.child.terminal?.write(key)
  }

  /** Waits until `pattern` stands in what was drawn since the last such wait. */
  async shows(pattern: RegExp): Promise<void> {
    await this.conditions.until(`${pattern} on the terminal`, () => {
      const found = pattern.exec(plain(this.raw.slice(this.seen)))
      return found === null ? undefined : found
    })
    this.seen = this.raw.length
  }
}

/** What is left of a text without the terminal's commands. */
export function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, '')
}
