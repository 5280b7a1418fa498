/**
 * What `npm start` shows once everything is up, made from what the two processes reported. Also the shapes of those
 * two reports. Pure text: `supervisor.ts` decides when it is printed.
 */

/** From the orchestrator when it listens. `clientKey` and `loginUrl` only when just made, on the first start. */
export interface Ready {
  type: 'ready'
  url: string
  scoutKey: string
  clientKey?: string
  /** Signs in as the operator, once. */
  loginUrl?: string
}

/** From the scout when the orchestrator has welcomed it. */
export interface Connected {
  type: 'connected'
  provider?: string
  models?: string[]
}

function field(message: unknown, name: string): unknown {
  return typeof message === 'object' && message !== null ? (message as Record<string, unknown>)[name] : undefined
}

export function isReady(message: unknown): message is Ready {
  const optional = ['clientKey', 'loginUrl'].map((name) => field(message, name) ?? '')
  const strings = [field(message, 'url'), field(message, 'scoutKey'), ...optional]
  return field(message, 'type') === 'ready' && strings.every((value) => typeof value === 'string')
}

export function isConnected(message: unknown): message is Connected {
  const models = field(message, 'models') ?? []
  const provider = field(message, 'provider') ?? ''
  return (
    field(message, 'type') === 'connected' &&
    typeof provider === 'string' &&
    Array.isArray(models) &&
    models.every((model) => typeof model === 'string')
  )
}

const modelsShown = 5

function modelLine(models: string[]): string {
  const rest = models.length - modelsShown
  return models.slice(0, modelsShown).join(', ') + (rest > 0 ? ` and ${rest} more` : '')
}

function providerLines({ provider, models = [] }: Connected): string[] {
  const lines: string[] = []
  if (provider === 'demo') {
    lines.push(
      'Provider:   demo. It makes its answers up and asks no language model. For real answers start',
      '            Ollama, or put a GROQ_API_KEY, OPENROUTER_API_KEY or OPENAI_API_KEY into .env;',
      '            then start Chasm again.',
    )
  } else if (provider !== undefined) lines.push(`Provider:   ${provider}`)
  lines.push(
    `Models:     ${models.length === 0 ? 'none yet; the scout keeps looking' : modelLine([...new Set(models)])}`,
  )
  return lines
}

const body = '{"model":"auto","messages":[{"role":"user","content":"Say hello"}]}'

/** One line, so that it survives being pasted. */
function curl(url: string, key: string): string {
  const headers = `-H "Authorization: Bearer ${key}" -H "Content-Type: application/json"`
  return `curl ${url}/v1/chat/completions ${headers} -d '${body}'`
}

function keyLines(clientKey: string | undefined): string[] {
  if (clientKey === undefined) {
    return [
      'Client key: yours, put into CHASM_KEY first (export CHASM_KEY=chasm_client_...)',
      '            lost it? Make another with: npm run key -- client',
    ]
  }
  return [`Client key: ${clientKey}`, '            shown once; make another with: npm run key -- client']
}

function loginLines(loginUrl: string | undefined): string[] {
  if (loginUrl === undefined) return ['Sign in:    npm run -s key -- login prints a link for the operator']
  return [`Sign in:    ${loginUrl}`, '            as the operator; works once, for 10 minutes']
}

/** The whole banner, with a line break at either end. */
export function banner(ready: Ready, connected: Connected): string {
  const url = ready.url.replace(/\/$/, '')
  const lines = [
    '',
    `Chasm is running at ${url}`,
    '',
    ...providerLines(connected),
    ...keyLines(ready.clientKey),
    ...loginLines(ready.loginUrl),
    '',
    'Try it:',
    '',
    curl(url, ready.clientKey ?? '$CHASM_KEY'),
    '',
    'Ctrl-C stops both the orchestrator and the scout.',
    '',
  ]
  return `${lines.join('\n')}\n`
}
