/**
 * Lines of answers in progress between hubs: a hub whose client follows an intent of another one asks that for what the
 * client lacks. What comes back is checked for its form and its size; whether it belongs to anything is the engine's to
 * say.
 */
import { z } from 'zod'
import {
  linesAnswerBytesMax,
  linesAnswerMs,
  linesAtOnce,
  linesNodesMax,
  linesOfHub,
  linesWaitMs,
} from '../../../shared/limits/cluster/journal.ts'
import { expandedIdCharsMax } from '../../../shared/limits/intents.ts'
import type { IntentHost } from '../../engine/ports/intents.ts'
import type { LinesAsked, LinesFound } from '../../engine/ports/network/live-lines.ts'
import { Questions, type QuestionsParts } from '../questions.ts'

interface LineSharingParts extends QuestionsParts {
  host: Pick<IntentHost, 'lines'>
}

const count = z.int().min(0)
const ofAttempt = { node: z.string().min(1).max(expandedIdCharsMax), attempt: z.int().min(1) }

const askedForm = z.strictObject({
  intent: z.string().min(1).max(256),
  seq: count,
  known: z.array(z.strictObject({ ...ofAttempt, lines: count })).max(linesNodesMax),
  waits: z.boolean(),
})

const lineForm = z.string().max(linesAnswerBytesMax).refine(isLine)

const foundForm = z.strictObject({
  isHere: z.boolean(),
  hasEvents: z.boolean(),
  parts: z.array(z.strictObject({ ...ofAttempt, from: count, lines: z.array(lineForm) })).max(linesNodesMax),
})

export class LineSharing {
  private readonly questions: Questions<LinesAsked, LinesFound>

  constructor({ host, ...parts }: LineSharingParts) {
    this.questions = new Questions<LinesAsked, LinesFound>(parts, {
      words: { question: 'follow', answer: 'lines' },
      questionForm: askedForm,
      answerForm: foundForm,
      answerMs: ({ waits }) => linesAnswerMs + (waits ? linesWaitMs : 0),
      // Each may be asked for once more when a task of it ends.
      atOnceMax: 2 * linesAtOnce,
      ofHubMax: 2 * linesOfHub,
      busy: { isHere: false, hasEvents: false, parts: [] },
      perform: (asked, from) => host.lines(from, asked),
    })
  }

  start(): void {
    this.questions.start()
  }

  async ask(hub: string, asked: LinesAsked): Promise<LinesFound | null> {
    const found = await this.questions.ask(hub, asked)
    return typeof found === 'string' ? null : found
  }
}

/** An object on one line that has a field: what is put into the events of an intent. */
function isLine(text: string): boolean {
  if (!text.startsWith('{"') || /[\n\r]/.test(text)) return false
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
