/**
 * What a calibration asks: of each prompt four answers by the honest deployments in turn, as references of a network
 * give them; of every second prompt one more by each model under test; of each model questions of every level. Each has
 * a name that does not depend on the order, so that a file of answers tells what is still to be asked. Pure.
 */
import { levels, questionOf } from '../audits/questions.ts'

interface Models {
  /** Deployments of the model that is to be offered; the first one is asked most. */
  honest: readonly string[]
  /** What cheats might serve instead. */
  other: readonly string[]
}

interface Asked {
  /** Names it in a file of answers. */
  id: string
  model: string
  prompt: string
}

export interface Plan {
  asked: Asked[]
  prompts: readonly string[]
  models: Models
  questions: readonly PlannedQuestion[]
}

/** Answers of the network to each prompt: one that is compared, and as many references as an audit may ask. */
export const samples = 4

export function planOf(models: Models, prompts: readonly string[], questions: readonly PlannedQuestion[]): Plan {
  const asked: Asked[] = []
  for (const [place, prompt] of prompts.entries()) {
    for (let sample = 0; sample < samples; sample++) {
      const model = models.honest[(place + sample) % models.honest.length]!
      asked.push({ id: sampleId(prompt, sample), model, prompt })
    }
    if (!isAudited(place)) continue
    for (const model of [...models.honest, ...models.other]) asked.push({ id: auditId(prompt, model), model, prompt })
  }
  for (const { level, at, text } of questions) {
    for (const model of [...models.honest, ...models.other])
      asked.push({ id: questionId(level, at, model), model, prompt: text })
  }
  return { asked, prompts, models, questions }
}

/** Every second prompt; the others only show how alike honest answers are. */
export function isAudited(place: number): boolean {
  return place % 2 === 1
}

export function sampleId(prompt: string, sample: number): string {
  return `${prompt} #${sample}`
}

export function auditId(prompt: string, model: string): string {
  return `${prompt} @${model}`
}

export function questionId(level: number, at: number, model: string): string {
  return `question ${level}.${at} @${model}`
}

interface PlannedQuestion {
  level: number
  at: number
  text: string
  answer: number
}

/** The same in every run, if `unit` is. */
export function questionsOf(perLevel: number, unit: () => number): PlannedQuestion[] {
  return Array.from({ length: levels * perLevel }, (_, place) => {
    const [level, at] = [1 + Math.floor(place / perLevel), place % perLevel]
    return { level, at, ...questionOf(level, unit) }
  })
}
