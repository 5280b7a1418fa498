/**
 * The live view on a terminal: log lines scroll above one block with the status of the scout. The block is erased and
 * drawn within one write, and only when it has changed, so that nothing flickers. Its text is `status.ts`'s; it is
 * made only on a terminal.
 */
import { liveViewMs } from '../../shared/limits/command-line.ts'
import type { System, Timer } from '../../shared/system.ts'

/** As much of a terminal as is needed; `process.stdout` is one. */
export interface Screen {
  readonly columns?: number | undefined
  readonly rows?: number | undefined
  write(text: string): unknown
}

const beginAtomic = '\x1b[?2026h'
const endAtomic = '\x1b[?2026l'
const toLineStart = '\r'
const eraseBelow = '\x1b[J'
const indent = ' '.repeat(12)

export class LiveView {
  private block: string[] = []
  private timer: Timer | null = null
  private content: (() => string[]) | null = null

  constructor(
    private readonly screen: Screen,
    private readonly system: System,
  ) {}

  /** From now on the block shows the lines that `content` returns. */
  show(content: () => string[]): void {
    this.content = content
    this.redraw()
  }

  /** Writes above the block; `text` ends with a line break. */
  print(text: string): void {
    if (this.content === null) this.screen.write(text)
    else this.draw(text, this.fitted(this.content()))
  }

  /** Leaves the last block standing, and the cursor below it. */
  stop(): void {
    this.timer?.cancel()
    this.content = null
    this.block = []
  }

  private redraw(): void {
    if (this.content === null) return
    const next = this.fitted(this.content())
    if (next.join('\n') !== this.block.join('\n')) this.draw('', next)
    this.timer = this.system.after(liveViewMs, () => this.redraw())
  }

  private draw(above: string, next: string[]): void {
    const up = this.block.length > 0 ? `\x1b[${this.block.length}A` : ''
    const below = next.map((line) => `${line}\n`).join('')
    this.screen.write(`${beginAtomic}${toLineStart}${up}${eraseBelow}${above}${below}${endAtomic}`)
    this.block = next
  }

  /** Cut to the screen: a line that wraps by itself, or a block higher than the screen, could not be erased. */
  private fitted(lines: string[]): string[] {
    const columns = Math.max(40, this.screen.columns ?? 80)
    const rows = Math.max(4, this.screen.rows ?? 24)
    return ['', ...lines.flatMap((line) => wrapped(line, columns - 1))].slice(0, rows - 2)
  }
}

/** `line` in pieces of at most `chars`, broken between words, all but the first indented. */
function wrapped(line: string, chars: number): string[] {
  const pieces: string[] = []
  let rest = line
  while (rest.length > chars) {
    const space = rest.lastIndexOf(' ', chars)
    const end = space > indent.length ? space : chars
    pieces.push(rest.slice(0, end))
    rest = indent + rest.slice(end).trimStart()
  }
  return [...pieces, rest]
}
