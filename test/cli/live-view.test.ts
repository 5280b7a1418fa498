import { describe, expect, test } from 'vitest'
import { LiveView } from '../../scout/status/live-view.ts'
import { ManualSystem } from '../support/clocks/manual-system.ts'
import { LiveHub } from '../support/hub/live-hub.ts'
import { startCommand } from '../support/machine/programs.ts'
import { temporaryFolder } from '../support/machine/temporary-folder.ts'
import { plain, TerminalProgram } from '../support/machine/terminal.ts'

const scoutMain = new URL('../../scout/main.ts', import.meta.url).pathname

/** A screen that understands what the view needs of one: up, erase below, line breaks. */
class FakeScreen {
  columns = 60
  rows = 12
  writes = 0
  lines: string[] = ['']
  private row = 0

  write(text: string): void {
    this.writes++
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    for (const part of text.match(/\x1b\[[0-9;?]*[A-Za-z]|\n|\r|[^\x1b\n\r]+/g) ?? []) this.take(part)
  }

  private take(part: string): void {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    const up = /^\x1b\[(\d+)A$/.exec(part)?.[1]
    if (up !== undefined) this.row -= Number(up)
    else if (part === '\x1b[J') this.lines = [...this.lines.slice(0, this.row), '']
    else if (part === '\n') {
      this.row++
      this.lines[this.row] ??= ''
    } else if (!part.startsWith('\x1b') && part !== '\r') this.lines[this.row] += part
  }
}

describe('the live view', () => {
  test('stands below the log, is drawn in one write, and only when it has changed', () => {
    const screen = new FakeScreen()
    const system = new ManualSystem()
    const view = new LiveView(screen, system)
    let tasks = 0
    view.print('before\n')
    view.show(() => ['Scout       me', `Tasks       ${tasks}`])
    expect(screen.lines).toEqual(['before', '', 'Scout       me', 'Tasks       0', ''])
    const drawn = screen.writes
    system.pass(10_000)
    expect(screen.writes).toBe(drawn)
    tasks = 7
    system.pass(1_000)
    expect(screen.writes).toBe(drawn + 1)
    view.print('after\n')
    expect(screen.writes).toBe(drawn + 2)
    expect(screen.lines).toEqual(['before', 'after', '', 'Scout       me', 'Tasks       7', ''])
    view.stop()
    view.print('the end\n')
    expect(screen.lines.slice(-2)).toEqual(['the end', ''])
    expect(system.pending).toBe(0)
  })

  test('breaks long lines between words and never grows higher than the screen', () => {
    const screen = new FakeScreen()
    const view = new LiveView(screen, new ManualSystem())
    view.show(() => [`Standing    ${'word '.repeat(30)}`, ...Array.from({ length: 30 }, (_, i) => `line ${i}`)])
    expect(screen.lines.every((line) => line.length < screen.columns)).toBe(true)
    expect(screen.lines[2]).toMatch(/^ {12}word/)
    expect(screen.lines.length).toBeLessThan(screen.rows)
    view.stop()
  })
})

describe('a scout', () => {
  const settings = (hub: LiveHub, folder: string) => {
    const who = { ORCHESTRATOR_URL: hub.url, SCOUT_KEY: hub.scoutKey, SCOUT_NAME: 'seen', PROVIDERS: 'demo' }
    return { ...who, SCOUT_STATE_DIR: folder }
  }

  test('on a terminal shows how it is below its log', async () => {
    const hub = new LiveHub()
    try {
      const folder = temporaryFolder()
      const terminal = new TerminalProgram([process.execPath, scoutMain], folder, settings(hub, folder))
      await terminal.shows(/Connected as seen, offering 3 models/)
      await terminal.shows(/Connection {2}connected for \d+ s/)
      expect(plain(terminal.raw)).not.toContain('{"level"')
      terminal.signal('SIGTERM')
      expect(await terminal.exited).toBe(0)
      expect(plain(terminal.raw)).toContain('The scout has finished and left.')
    } finally {
      await hub.close()
    }
  })

  test.each([
    ['without a terminal', false],
    ['with LOG_FORMAT=json on a terminal', true],
  ])('%s writes JSON lines', async (_, isTerminal) => {
    const hub = new LiveHub()
    try {
      const folder = temporaryFolder()
      const env = { ...settings(hub, folder), ...(isTerminal && { LOG_FORMAT: 'json' }) }
      const program = isTerminal
        ? new TerminalProgram([process.execPath, scoutMain], folder, env, 1_000)
        : startCommand(['start'], folder, env)
      const written = () => (program instanceof TerminalProgram ? program.raw : program.stdout)
      await (program instanceof TerminalProgram ? program.shows(/Connected/) : program.wrote(/Connected/))
      program.signal('SIGTERM')
      expect(await program.exited).toBe(0)
      const lines = written().trim().split(/\r?\n/)
      expect(lines.map((line) => JSON.parse(line).msg).join('\n')).toContain('Connected as seen')
    } finally {
      await hub.close()
    }
  })
})
