/**
 * The lines that the Connect page offers for copying, as pure functions of the hub's address and a key: a test runs
 * them as they are shown.
 */

export interface Snippet {
  id: string
  name: string
  /** What to have first; empty when a shell is enough. */
  install: string
  text: string
}

const ask = 'Say hello'

/** A request as a line for a shell. `key`: the text, or a variable of that shell. */
export function curlOf(url: string, key: string, body: string): string {
  return `curl ${url} \\
  -H "Authorization: Bearer ${key}" \\
  -H "Content-Type: application/json" \\
  -d '${body.replaceAll("'", "'\\''")}'`
}

export function apiSnippets(hub: string, key: string, model: string): Snippet[] {
  const body = JSON.stringify({ model, messages: [{ role: 'user', content: ask }] })
  return [
    {
      ...{ id: 'curl', name: 'curl', install: '' },
      text: curlOf(`${hub}/v1/chat/completions`, key, body),
    },
    {
      ...{ id: 'openai-ts', name: 'OpenAI, TypeScript', install: 'npm install openai' },
      text: `import OpenAI from 'openai'

const openai = new OpenAI({ baseURL: '${hub}/v1', apiKey: '${key}' })
const answer = await openai.chat.completions.create({
  model: '${model}',
  messages: [{ role: 'user', content: '${ask}' }],
})
console.log(answer.choices[0].message.content)`,
    },
    {
      ...{ id: 'openai-python', name: 'OpenAI, Python', install: 'pip install openai' },
      text: `from openai import OpenAI

client = OpenAI(base_url="${hub}/v1", api_key="${key}")
answer = client.chat.completions.create(
    model="${model}",
    messages=[{"role": "user", "content": "${ask}"}],
)
print(answer.choices[0].message.content)`,
    },
    {
      ...{ id: 'langchain', name: 'LangChain', install: 'npm install @langchain/openai @langchain/core' },
      text: `import { ChatOpenAI } from '@langchain/openai'

const model = new ChatOpenAI({
  model: '${model}',
  apiKey: '${key}',
  configuration: { baseURL: '${hub}/v1' },
})
const answer = await model.invoke('${ask}')
console.log(answer.content)`,
    },
    {
      ...{ id: 'ai-sdk', name: 'AI SDK', install: 'npm install ai @ai-sdk/openai-compatible' },
      text: `import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { generateText } from 'ai'

const chasm = createOpenAICompatible({
  name: 'chasm',
  baseURL: '${hub}/v1',
  apiKey: '${key}',
})
const { text } = await generateText({ model: chasm('${model}'), prompt: '${ask}' })
console.log(text)`,
    },
  ]
}

/**
 * Ways to run a scout; each with what it serves left to the machine: a model server there, or a provider's key.
 * `builds`: the platforms of the executables that the hub hands out.
 */
export function scoutSnippets(hub: string, key: string, builds: readonly string[]): Snippet[] {
  const settings = `ORCHESTRATOR_URL=${hub} SCOUT_KEY=${key}`
  const isLocal = /\/\/(127\.|localhost|\[::1\])/.test(hub)
  const line = {
    ...{ id: 'line', name: 'One line', install: `It needs nothing else, on ${builds.join(', ')}.` },
    text: `curl -fsS ${hub}/scout.sh | SCOUT_KEY=${key} sh`,
  }
  return [
    ...(builds.length > 0 ? [line] : []),
    {
      ...{ id: 'source', name: 'From source', install: 'In a clone of Chasm: npm ci' },
      text: `${settings} npm run scout`,
    },
    {
      ...{
        id: 'executable',
        name: 'One file',
        install: 'npm run build makes dist/chasm-scout-…; it needs nothing else',
      },
      text: `${settings} ./chasm-scout`,
    },
    {
      ...{ id: 'docker', name: 'Docker', install: 'docker build -f Dockerfile.scout -t chasm-scout .' },
      text: `docker run -d --name scout --restart unless-stopped${isLocal ? ' --network host' : ''} \\
  --read-only --tmpfs /tmp --cap-drop ALL \\
  -e ORCHESTRATOR_URL=${hub} \\
  -e SCOUT_KEY=${key} \\
  chasm-scout`,
    },
  ]
}
