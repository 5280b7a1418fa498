/**
 * The command `npm run conformance`: a hub and scouts with stand-in providers on loopback, judged by the published
 * schemas, by suites of strangers and by the tests of the real clients. It writes `docs/clients.md` and ends with code
 * 1 when something fails that nobody has explained (`score-card/exceptions.ts`), or is explained and passes.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openClientStage, seenEmbedModel, seenModel } from '../support/hub/client-stage.ts'
import { chatQuestions, chatRefusals, combinedChats } from './corpus/chat-questions.ts'
import { Corpus } from './corpus/corpus.ts'
import { completionQuestions, embeddingQuestions, modelQuestions } from './corpus/other-questions.ts'
import { responseLife, responseQuestions, responseRefusals } from './corpus/response-questions.ts'
import { publishers } from './schema/schema-check.ts'
import { exceptions } from './score-card/exceptions.ts'
import { scoreCard } from './score-card/score-card.ts'
import { runSdkTests } from './score-card/sdk-results.ts'
import { runCompatCanary } from './suites/compatcanary.ts'
import { runLlmprobe } from './suites/llmprobe.ts'
import { StandInProvider, standInModel } from './suites/stand-in-provider.ts'
import { installed, programVersion, type SuiteResult } from './suites/suite.ts'

const root = join(import.meta.dirname, '..', '..')
const page = join(root, 'docs', 'clients.md')
/** Of each combination of what may stand together in a chat. */
const rounds = 5

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

interface Finding {
  suite: string
  id: string
  reason: string
}

async function judge(folder: string) {
  const stage = await openClientStage()
  const { hub } = stage
  try {
    const chats = ['demo-small', seenModel]
    const corpus = new Corpus(hub)
    await corpus.ask([
      ...chatQuestions([...chats, 'auto']),
      ...combinedChats(chats, rounds),
      ...chatRefusals('demo-small'),
    ])
    await corpus.ask([
      ...embeddingQuestions(['demo-embed', seenEmbedModel]),
      ...modelQuestions([...chats, 'chasm/auto']),
    ])
    await corpus.ask(completionQuestions(chats))
    await corpus.ask([...responseQuestions(chats), ...responseLife('demo-small'), ...responseRefusals('demo-small')])
    const { answers, events, violations } = corpus.result
    say(`schemas: ${answers} answers, ${events} events, ${violations.length} violations`)
    await hub.addScout({ name: 'stand-in', providers: [new StandInProvider()] })
    const suites: SuiteResult[] = []
    for (const run of [runCompatCanary, runLlmprobe]) {
      const result = await run(hub.baseURL, hub.clientKey, standInModel, folder)
      const failed = result.checks.filter(({ outcome }) => outcome === 'fail').length
      say(`${result.suite} ${result.version}: ${result.checks.length} checks, ${failed} failed`)
      suites.push(result)
    }
    return { corpus: corpus.result, sources: publishers.map((one) => corpus.checks[one].source), suites }
  } finally {
    await stage.close()
  }
}

async function versionsOf(packages: readonly string[]): Promise<Record<string, string>> {
  const known = await Promise.all(packages.map(async (name) => [name, (await installed(name)).version] as const))
  return Object.fromEntries(known)
}

const folder = mkdtempSync(join(tmpdir(), 'chasm-conformance-'))
try {
  const { corpus, sources, suites } = await judge(folder)
  const sdks = await runSdkTests(folder)
  say(`clients: ${sdks.clients.length}, failed tests: ${sdks.failed.length}`)
  const findings: Finding[] = [
    ...corpus.violations.map(({ publisher, question, message }) => ({
      suite: publisher,
      id: question,
      reason: message,
    })),
    ...suites.flatMap(({ suite, checks }) =>
      checks.filter(({ outcome }) => outcome === 'fail').map(({ id, reason }) => ({ suite, id, reason })),
    ),
    ...sdks.failed.map((id) => ({ suite: 'clients', id, reason: 'see npm test -- test/e2e' })),
  ]
  const isKnown = ({ suite, id }: Finding) => exceptions.some((one) => one.suite === suite && one.id === id)
  const unexplained = findings.filter((finding) => !isKnown(finding))
  const outdated = exceptions.filter(({ suite, id }) => !findings.some((one) => one.suite === suite && one.id === id))
  const { bun } = process.versions
  const programs = sdks.clients.flatMap(({ program }) => (program ? [program] : []))
  const versions = {
    ...(await versionsOf([...new Set(sdks.clients.flatMap(({ packages }) => packages))])),
    ...Object.fromEntries(programs.map((program) => [program.name, programVersion(program)])),
  }
  const date = new Date().toISOString().slice(0, 10)
  const measured = { date, runtime: `Bun ${bun}`, clients: sdks.clients, versions, suites, corpus, sources }
  const card = scoreCard(measured)
  writeFileSync(page, card)
  for (const { suite, id, reason } of unexplained) say(`FAILED ${suite}: ${id}: ${reason}`)
  for (const { suite, id } of outdated) say(`PASSES NOW ${suite}: ${id}: take it out of the exceptions`)
  say(`written: docs/clients.md`)
  if (unexplained.length + outdated.length > 0) process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
