/**
 * The questions of `init` on a terminal, and the only user of the `@clack/prompts` package. It asks for the
 * hub, the key and the providers with what each of them needs; whether the answers work is tried by `init.ts`.
 */
import * as clack from '@clack/prompts'
import type { Variables } from '../../shared/env-file.ts'
import { readConfig } from '../config.ts'
import { readProviderSettings } from '../providers/configured.ts'
import { type SetupService, setupServices } from './setup-variables.ts'

export function begin(): void {
  clack.intro('A scout for Chasm')
}

/** The answers, beginning from those known; null when the person leaves. */
export async function ask(known: Variables): Promise<Variables | null> {
  const answers: Variables = { ...known }
  const steps = [askUrl, askKey, askServices]
  for (const step of steps) if (!(await step(answers))) return null
  return answers
}

/** What to do when something does not work. */
export async function decide(): Promise<'again' | 'write' | 'stop'> {
  const choice = await clack.select({
    message: 'Something does not work yet. What now?',
    options: [
      { value: 'again', label: 'Go through the questions again' },
      { value: 'write', label: 'Write .env all the same' },
      { value: 'stop', label: 'Stop, and write nothing' },
    ],
  })
  return clack.isCancel(choice) ? 'stop' : (choice as 'again' | 'write' | 'stop')
}

export async function during<T>(what: string, work: () => Promise<T>): Promise<T> {
  const spinner = clack.spinner()
  spinner.start(what)
  try {
    return await work()
  } finally {
    spinner.stop('Tried')
  }
}

export function give(lines: string[]): void {
  clack.log.message(lines.join('').trimEnd())
}

/** Leaves with a word; returns the exit code. */
export function stop(sentence: string): number {
  clack.cancel(sentence)
  return 1
}

async function askUrl(answers: Variables): Promise<boolean> {
  const url = await clack.text({
    message: 'Where is the orchestrator?',
    placeholder: 'https://hub.example.com',
    initialValue: answers.ORCHESTRATOR_URL ?? '',
    validate: (text) =>
      text ? flawOf('ORCHESTRATOR_URL', readConfig({ ORCHESTRATOR_URL: text })) : 'A URL is needed.',
  })
  return took(answers, 'ORCHESTRATOR_URL', url)
}

async function askKey(answers: Variables): Promise<boolean> {
  const kept = answers.SCOUT_KEY
  const key = await clack.password({
    message: `The key of this scout, from the orchestrator's operator${kept ? ' (empty: keep the present one)' : ''}`,
    validate: (text) => (!text && kept ? undefined : flawOf('SCOUT_KEY', readConfig({ SCOUT_KEY: text ?? '' }))),
  })
  return took(answers, 'SCOUT_KEY', key === '' && kept ? kept : key)
}

async function askServices(answers: Variables): Promise<boolean> {
  const before = (answers.PROVIDERS ?? '').split(',').map((name) => name.trim().toLowerCase())
  const configured = setupServices.filter(({ variable }) => variable !== null && answers[variable] !== undefined)
  const chosen = await clack.multiselect({
    message: 'Which providers answer here? The first is preferred. (space to choose, enter to go on)',
    options: [
      ...setupServices.map(({ name, title, isSecret }) => {
        return { value: name as string, label: title, hint: isSecret ? 'wants a key' : 'on a machine of your own' }
      }),
      { value: 'demo', label: 'Demo', hint: 'made-up text, to try the network' },
    ],
    initialValues: [...before, ...configured.map(({ name }) => name as string)].filter((name) => name !== ''),
    required: true,
  })
  if (clack.isCancel(chosen)) return false
  answers.PROVIDERS = chosen.join(',')
  for (const service of setupServices) {
    if (chosen.includes(service.name) && !(await askService(service, answers))) return false
  }
  return true
}

async function askService({ title, variable, isSecret }: SetupService, answers: Variables): Promise<boolean> {
  if (variable === null) return true
  const kept = answers[variable]
  const validate = (text: string | undefined) => {
    if (text) return flawOf(variable, readProviderSettings({ [variable]: text }))
    return isSecret && !kept ? 'A key is needed.' : undefined
  }
  const value = isSecret
    ? await clack.password({ message: `Key of ${title}${kept ? ' (empty: keep the present one)' : ''}`, validate })
    : await clack.text({ message: `URL of ${title} (empty: its usual port)`, initialValue: kept ?? '', validate })
  return took(answers, variable, value === '' && isSecret && kept ? kept : value)
}

/** The sentence about one variable, if its reader has one. */
function flawOf(variable: string, read: object | string[]): string | undefined {
  return Array.isArray(read) ? read.find((flaw) => flaw.startsWith(variable)) : undefined
}

/** Keeps an answer, an empty one as unset. False when the person leaves. */
function took(answers: Variables, variable: string, value: string | symbol): boolean {
  if (clack.isCancel(value)) return false
  if (value === '' || value === undefined) delete answers[variable]
  else answers[variable] = (value as string).trim()
  return true
}
