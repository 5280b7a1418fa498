/**
 * What is odd about the lines of a `.env`: a variable that is misspelt, set twice, set too late to count, or set
 * otherwise outside; a line that sets nothing. The file's own rules are `shared/env-file.ts`'s. `doctor` prints it. No
 * sentence repeats a value.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { envFileName, type Variables } from '../../shared/env-file.ts'
import { linesShownMax } from '../../shared/limits/command-line.ts'
import { type Finding, finding } from './findings.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** Every variable that a `.env` of a scout or an orchestrator may set, as `.env.example` lists them. */
export const knownVariables: readonly string[] = [
  ...['HOST', 'PORT', 'DATA_DIR', 'ADMIN_KEY', 'LOG_LEVEL', 'TRUSTED_PROXIES', 'PRIVATE_URLS', 'CORS_ORIGINS'],
  ...['LOG_FORMAT', 'REQUEST_MAX_MIB', 'PUBLIC_URL', 'SIGNUP', 'HUB_EDGES', 'RECEIPTS', 'POINTS'],
  ...['TRUST', 'AUDIT_DAILY_USD', 'CLUSTER_URL', 'CLUSTER_ROSTER', 'CLUSTER_USER', 'CLUSTER_PASSWORD'],
  ...['SCOUT_STATE_DIR', 'ORCHESTRATOR_URL', 'SCOUT_KEY', 'SCOUT_NAME', 'SCOUT_CONCURRENCY'],
  ...['HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY', 'PROVIDERS', 'PROVIDER_FIRST_TOKEN_SECONDS', 'SCOUT_PRIVATE_URLS'],
  ...['SCOUT_REQUEST_MAX_MIB', 'SCOUT_SIGNING_KEY'],
  ...['MODEL', 'MODELS', 'MODEL_NAMES', 'GROQ_API_KEY', 'OPENROUTER_API_KEY', 'OPENROUTER_REFERER'],
  ...['OPENROUTER_TITLE', 'OPENROUTER_PROVIDER', 'OPENAI_API_KEY', 'VLLM_URL', 'OLLAMA_URL', 'LMSTUDIO_URL'],
  ...['LLAMACPP_URL', 'COMPATIBLE_URL', 'COMPATIBLE_API_KEY', 'DEMO_SEED', 'DEMO_FIRST_TOKEN_MS'],
  ...['DEMO_TOKENS_PER_SECOND', 'DEMO_TOKENS', 'DEMO_FAILURE_RATE', 'DEMO_MODELS'],
]

/** The runtime reads these when it starts, before any `.env`. */
const startVariables = ['NODE_EXTRA_CA_CERTS', 'NODE_TLS_REJECT_UNAUTHORIZED', 'NODE_OPTIONS', 'SSL_CERT_FILE']

/** `env` is the environment with what the file added to it. */
export function checkLines(folder: string, read: Variables, env: Environment): Finding[] {
  const { names, idle } = linesOf(readFileSync(join(folder, envFileName), 'utf8'))
  const doubts = idle.slice(0, linesShownMax).map((line) => {
    return `Line ${line} of .env sets nothing: write NAME=value, or put a # before it.`
  })
  for (const name of new Set(names)) {
    const likely = likelyMeant(name)
    if (likely !== null) doubts.push(`${name} in .env is not read by anybody here: is ${likely} meant?`)
    if (names.indexOf(name) !== names.lastIndexOf(name)) doubts.push(`${name} is in .env twice: the last one counts.`)
    if (startVariables.includes(name)) {
      doubts.push(`${name} in .env comes too late, after the start: set it in the environment.`)
    }
    if (knownVariables.includes(name) && env[name] !== read[name]) {
      doubts.push(`${name} in .env does not count: the environment sets it to something else.`)
    }
  }
  return doubts.map((sentence) => finding('File', 'warn', sentence))
}

/** The variables that the lines set, in their order, and the numbers of the lines that set none. */
function linesOf(text: string): { names: string[]; idle: number[] } {
  const names: string[] = []
  const idle: number[] = []
  for (const [at, line] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n|\r/)
    .entries()) {
    const name = /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=/.exec(line)?.[1]
    if (name !== undefined) names.push(name)
    else if (!/^\s*(#|$)/.test(line)) idle.push(at + 1)
  }
  return { names, idle }
}

/** Names as short as this one differ by too little to be taken for each other. */
const likenessCharsMin = 5
const slipsMax = 2

/** The known variable that this one is a slip of; null when it is one itself, or like none. */
function likelyMeant(name: string): string | null {
  if (knownVariables.includes(name) || name.length < likenessCharsMin) return null
  const upper = name.toUpperCase()
  // Proxies are written either way.
  if (knownVariables.includes(upper)) return /_PROXY$/.test(upper) ? null : upper
  return knownVariables.find((known) => known.length >= likenessCharsMin && slips(upper, known) <= slipsMax) ?? null
}

/** Letters that were left out, added, changed, or swapped with their neighbour. */
function slips(one: string, other: string): number {
  if (Math.abs(one.length - other.length) > slipsMax) return slipsMax + 1
  let older: number[] = []
  let old = Array.from({ length: other.length + 1 }, (_, at) => at)
  for (let row = 1; row <= one.length; row++) {
    const now = [row]
    for (let at = 1; at <= other.length; at++) {
      const isSame = one[row - 1] === other[at - 1]
      let least = Math.min(old[at]! + 1, now[at - 1]! + 1, old[at - 1]! + (isSame ? 0 : 1))
      const isSwap = row > 1 && at > 1 && one[row - 1] === other[at - 2] && one[row - 2] === other[at - 1]
      if (isSwap) least = Math.min(least, older[at - 2]! + 1)
      now.push(least)
    }
    older = old
    old = now
  }
  return old[other.length]!
}
