/**
 * What a web page does with a hub: the script of a page that the browser test serves from another origin. It asks with
 * the OpenAI SDK, as an application in a browser would, and leaves functions for the test to call.
 */
import OpenAI from 'openai'

interface Hub {
  baseURL: string
  apiKey: string
}

const messages = [{ role: 'user' as const, content: 'Tell me of the chasm' }]

function sdkOf(hub: Hub): OpenAI {
  return new OpenAI({ ...hub, maxRetries: 0, dangerouslyAllowBrowser: true })
}

async function whole(hub: Hub, model: string) {
  const { data, request_id, response } = await sdkOf(hub).chat.completions.create({ model, messages }).withResponse()
  return { text: data.choices[0]!.message.content, requestId: request_id, chasm: response.headers.get('x-chasm') }
}

async function streamed(hub: Hub, model: string) {
  const stream = await sdkOf(hub).chat.completions.create({ model, messages, stream: true })
  const pieces: string[] = []
  for await (const { choices } of stream) pieces.push(choices[0]?.delta.content ?? '')
  return { pieces: pieces.length, text: pieces.join('') }
}

/** What the page learns of a refusal: its status and sentence, or only that something failed. */
async function refused(hub: Hub, model: string) {
  try {
    await sdkOf(hub).chat.completions.create({ model, messages })
    return { name: 'none' }
  } catch (error) {
    const { status, code, requestID, message } = error as InstanceType<typeof OpenAI.APIError>
    return { name: (error as object).constructor.name, status, code, requestID, message }
  }
}

/** Reads some of a stream that would go on for long, and goes away. */
async function left(hub: Hub, model: string) {
  const stream = await sdkOf(hub).chat.completions.create({ model, messages, stream: true })
  for await (const _ of stream) break
  stream.controller.abort()
  return true
}

async function embedded(hub: Hub, model: string) {
  const { data } = await sdkOf(hub).embeddings.create({ model, input: ['one', 'two'] })
  return data.map(({ embedding }) => embedding.length)
}

async function models(hub: Hub) {
  const ids: string[] = []
  for await (const { id } of sdkOf(hub).models.list()) ids.push(id)
  return ids
}

/** Whether a page gets to read a path, with cookies sent along or not. */
async function reads(url: string, credentials: 'omit' | 'include') {
  try {
    return (await fetch(url, { credentials })).status
  } catch {
    return 'kept from it'
  }
}

Object.assign(globalThis, { whole, streamed, refused, left, embedded, models, reads })
