/**
 * The trust command: `calibrate` asks models that the operator names, or reads what they answered elsewhere, and prints
 * the rates that the formulas of trust assume, with a verdict whether convictions may be enforced. It needs no hub and
 * no data folder; its answers are in a file, with which it goes on where it was.
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { loadEnvFile } from '../../shared/env-file.ts'
import {
  calibratedModelsMax,
  calibrationAtOnce,
  calibrationAtOnceMax,
  calibrationPaceMax,
  calibrationPacePerSecond,
  calibrationPrompts,
  calibrationPromptsMax,
  calibrationQuestionsPerLevel,
} from '../../shared/limits/trust/calibration.ts'
import { realSystem } from '../../shared/system.ts'
import { Random } from '../core/model/random.ts'
import { type Plan, planOf, questionsOf } from '../trust/calibration/plan.ts'
import { ownPrompts } from '../trust/calibration/prompts.ts'
import { measure } from '../trust/calibration/rates.ts'
import { reportOf } from '../trust/calibration/report.ts'
import { AnswersFile } from './calibrate/answers-file.ts'
import { ModelService } from './calibrate/model-service.ts'

const usage = `Usage: npm run -s trust -- calibrate FILE --honest MODEL [--honest MODEL] --other MODEL [options]
  FILE              answers, one JSON object a line: those that are missing are asked for and added
  --honest MODEL    a deployment of the model that scouts are to offer; several may be named
  --other MODEL     a model that a cheat might serve instead; several may be named
  --prompts FILE    prompts of your own, one a line, instead of everyday ones
  --questions N     questions of each of five levels that each model is asked (${calibrationQuestionsPerLevel})
  --pace N          requests that begin within a second, at most (${calibrationPacePerSecond})
  --at-once N       requests that are under way at once, at most (${calibrationAtOnce})
  --recorded        asks nobody: FILE has all that there is
CALIBRATE_URL is the base URL of an OpenAI-compatible service (https://api.example/v1), CALIBRATE_KEY holds its key.
`

/** A file of answers belongs to these questions. */
const questionsSeed = 17

const system = realSystem()

process.exitCode = await run(process.argv.slice(2)).catch((error: Error) => complain(1, error.message))

interface Command {
  file: string
  plan: Plan
  pace: number
  atOnce: number
  isRecorded: boolean
}

async function run(args: string[]): Promise<number> {
  const command = readCommand(args)
  if (typeof command === 'string') return complain(2, `${command}\n${usage}`)
  const flaw = loadEnvFile(process.cwd(), process.env)
  if (flaw !== null) return complain(1, flaw)
  const file = new AnswersFile(command.file)
  const unread = file.read()
  if (unread !== null) return complain(1, unread)
  if (!command.isRecorded) {
    const missing = await askMissing(command, file)
    if (missing !== null) return complain(1, missing)
  }
  process.stdout.write(reportOf(measure(command.plan, file.answers)))
  return 0
}

/** null when all is there; else a sentence. */
async function askMissing({ plan, pace, atOnce, file: path }: Command, file: AnswersFile): Promise<string | null> {
  const missing = plan.asked.filter(({ id }) => !file.answers.has(id))
  if (missing.length === 0) return null
  const { CALIBRATE_URL = '', CALIBRATE_KEY = '' } = process.env
  if (!/^https?:\/\/\S+$/.test(CALIBRATE_URL))
    return 'Set CALIBRATE_URL to the base URL of an OpenAI-compatible service, as https://api.example/v1.'
  const service = new ModelService(system, CALIBRATE_URL.replace(/\/+$/, ''), CALIBRATE_KEY, pace)
  process.stderr.write(`${missing.length} of ${plan.asked.length} answers are to be asked for, ${pace} a second.\n`)
  const queue = missing.values()
  let flaw: string | null = null
  const work = async () => {
    for (const { id, model, prompt } of queue) {
      const reply = await service.ask(model, prompt)
      if ('flaw' in reply) flaw ??= reply.flaw
      // The others end with what they have under way.
      else file.add(id, reply.text)
      if (flaw !== null) return
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  if (flaw === null) return null
  return `${flaw} Run the same line again to go on: ${path} has ${file.answers.size} answers.`
}

function readCommand(args: string[]): Command | string {
  const many = { type: 'string', multiple: true } as const
  const one = { type: 'string' } as const
  const recorded = { type: 'boolean' } as const
  const options = { honest: many, other: many, prompts: one, questions: one, pace: one, 'at-once': one, recorded }
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true })
  const [name, file, ...more] = positionals
  if (name !== 'calibrate' || file === undefined || more.length > 0) return 'Name the command and a file of answers.'
  const { honest = [], other = [] } = values
  const models = { honest, other }
  if (honest.length === 0) return 'Name at least one honest deployment with --honest.'
  const names = new Set([...honest, ...other])
  if (names.size !== honest.length + other.length) return 'Each model is named once.'
  if (names.size > calibratedModelsMax) return `At most ${calibratedModelsMax} models are compared.`
  const prompts = values.prompts === undefined ? ownPrompts(calibrationPrompts) : linesOf(values.prompts)
  if (prompts.length > calibrationPromptsMax) return `At most ${calibrationPromptsMax} prompts are asked.`
  const questions = Number(values.questions ?? calibrationQuestionsPerLevel)
  if (!Number.isSafeInteger(questions) || questions < 1 || questions > 500) return '--questions wants 1 to 500.'
  const pace = Number(values.pace ?? calibrationPacePerSecond)
  if (!(pace > 0 && pace <= calibrationPaceMax)) return `--pace wants a number up to ${calibrationPaceMax}.`
  const atOnce = Number(values['at-once'] ?? calibrationAtOnce)
  const isAllowed = Number.isSafeInteger(atOnce) && atOnce >= 1 && atOnce <= calibrationAtOnceMax
  if (!isAllowed) return `--at-once wants 1 to ${calibrationAtOnceMax}.`
  const random = new Random(questionsSeed)
  const plan = planOf(
    models,
    prompts,
    questionsOf(questions, () => random.unit()),
  )
  return { file, plan, pace, atOnce, isRecorded: values.recorded === true }
}

/** Each once: an answer belongs to a prompt. */
function linesOf(path: string): string[] {
  const lines = readFileSync(path, 'utf8').split('\n')
  return [...new Set(lines.map((line) => line.trim()).filter((line) => line !== ''))]
}

function complain(exitCode: number, text: string): number {
  process.stderr.write(`${text.trimEnd()}\n`)
  return exitCode
}
