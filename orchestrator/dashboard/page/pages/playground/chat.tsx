/**
 * A chat with any model of the hub, streamed; the conversation is this tab's and is kept nowhere.
 */
import { type Signal, useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import type { Disputable } from '../../disputes/dispute.ts'
import { DisputeButton } from '../../disputes/dispute-button.tsx'
import { Code } from '../../parts/code.tsx'
import { Empty, Refused } from '../../parts/notice.tsx'
import { Panel } from '../../parts/panel.tsx'
import { AnswerText } from '../../run/answer-text.tsx'
import { eventsOf, Refusal, send } from '../../state/api.ts'
import { useAttempt } from '../../state/attempt.ts'
import { milliseconds, shortScout } from '../../state/format.ts'
import { useResource } from '../../state/resource.ts'
import { linkTo } from '../../state/router.ts'
import { curlOf } from '../snippets.ts'

interface Turn {
  role: 'user' | 'assistant'
  text: string
  /** Who served it and how fast; empty for the user's. */
  facts: string
  /** The intent behind the answer of a virtual model. */
  intent?: string
  /** What is shown to dispute an answer that has come to its end. */
  disputable?: Disputable
}

interface Chunk {
  id?: string
  choices?: { delta?: { content?: string | null } }[]
  /** A virtual model's answer has its intent, and no scout of its own. */
  chasm?: { scout?: string; model?: string; intent?: string }
  error?: { message: string }
}

export function Chat() {
  const models = useResource<{ data: { id: string }[] }>('/v1/models?limit=200')
  const model = useSignal('auto')
  const turns = useSignal<Turn[]>([])
  const { attempt, refusal } = useAttempt()
  const running = useSignal<AbortController | null>(null)
  const showsCode = useSignal(false)
  // Nobody reads, or should pay for, what is left of an answer.
  useEffect(() => () => running.value?.abort(), [running])
  const submit = async (text: string) => {
    const stop = new AbortController()
    running.value = stop
    turns.value = [...turns.value, { role: 'user', text, facts: '' }]
    await attempt(() =>
      answer(model.value, turns, stop.signal).catch((error: unknown) => {
        // Whoever stops an answer knows that it was.
        if (!stop.signal.aborted) throw error
      }),
    )
    running.value = null
  }
  const names = ['auto', ...(models.data?.data ?? []).map(({ id }) => id).filter((id) => id !== 'auto')]
  return (
    <Panel>
      <div class="row spread tight">
        <select
          class="input compact"
          aria-label="Model"
          value={model.value}
          onChange={({ currentTarget }) => {
            model.value = currentTarget.value
          }}
        >
          {names.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
        <button
          type="button"
          class="button small"
          aria-pressed={showsCode.value}
          onClick={() => {
            showsCode.value = !showsCode.value
          }}
        >
          Show as code
        </button>
      </div>
      {showsCode.value && <Code text={codeOf(model.value, turns.value)} label="the request" />}
      <Turns of={turns.value} isRunning={running.value !== null} />
      {refusal && <Refused refusal={refusal} />}
      <Composer running={running} onSubmit={submit} />
    </Panel>
  )
}

function Turns({ of, isRunning }: { of: Turn[]; isRunning: boolean }) {
  if (of.length === 0) return <Empty icon="play" text="Ask something. The most suitable scout answers." />
  return (
    <div class="chat" role="log" aria-busy={isRunning} aria-label="Conversation">
      {of.map(({ role, text, facts, intent, disputable }, at) => (
        <div class={`turn ${role}`} key={at}>
          <span class="hidden-text">{role === 'user' ? 'You' : 'Answer'}</span>
          {role === 'user' ? <p class="bubble">{text}</p> : <AnswerText text={text || '…'} />}
          {facts !== '' && (
            <span class="faint small name">
              {facts}
              {intent !== undefined && (
                <>
                  {' '}
                  <a href={linkTo(`intents/${encodeURIComponent(intent)}`)}>See its run</a>
                </>
              )}
            </span>
          )}
          {disputable !== undefined && (
            <div>
              <DisputeButton of={disputable} />
            </div>
          )}
        </div>
      ))}
    </div>
  )
}

interface ComposerProps {
  running: Signal<AbortController | null>
  onSubmit: (text: string) => Promise<void>
}

function Composer({ running, onSubmit }: ComposerProps) {
  const input = useRef<HTMLTextAreaElement>(null)
  const send = () => {
    const text = input.current?.value.trim() ?? ''
    if (text === '' || running.value !== null) return
    input.current!.value = ''
    void onSubmit(text)
  }
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault()
        send()
      }}
    >
      <textarea
        ref={input}
        class="input"
        rows={1}
        aria-label="Message"
        placeholder="Ask something"
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
          event.preventDefault()
          send()
        }}
      />
      {running.value === null ? (
        <button type="submit" class="button primary">
          Send
        </button>
      ) : (
        <button type="button" class="button" onClick={() => running.value?.abort()}>
          Stop
        </button>
      )}
    </form>
  )
}

/** Streams the next answer into the last turn. */
async function answer(model: string, turns: Signal<Turn[]>, signal: AbortSignal): Promise<void> {
  const body = { model, messages: messagesOf(turns.value), stream: true }
  const beganMs = performance.now()
  const response = await send('/v1/chat/completions', { method: 'POST', body, signal })
  const before = turns.value
  let text = ''
  let who = ''
  let id = ''
  let intent: string | undefined
  const disputable = (): Disputable => ({ task: id, request: JSON.stringify(body), answer: text })
  const show = (isOver: boolean) => {
    const took = isOver ? ` in ${milliseconds(performance.now() - beganMs)}` : ''
    const turn: Turn = { role: 'assistant', text, facts: who === '' ? '' : who + took }
    // Of a virtual model's answer the nodes of its run can be disputed, each by itself.
    if (isOver && id !== '' && intent === undefined) turn.disputable = disputable()
    turns.value = [...before, { ...turn, ...(intent !== undefined && { intent }) }]
  }
  for await (const { data } of eventsOf(response)) {
    if (data === '[DONE]') break
    const chunk = JSON.parse(data) as Chunk
    if (chunk.error) throw new Refusal(0, chunk.error.message)
    id = chunk.id ?? id
    if (chunk.chasm?.scout) who = `${shortScout(chunk.chasm.scout)}, ${chunk.chasm.model}`
    else if (chunk.chasm?.intent) {
      intent = chunk.chasm.intent
      who = model
    }
    text += chunk.choices?.[0]?.delta?.content ?? ''
    show(false)
  }
  show(true)
}

function messagesOf(turns: readonly Turn[]) {
  return turns.map(({ role, text }) => ({ role, content: text }))
}

function codeOf(model: string, turns: readonly Turn[]): string {
  const messages = turns.length === 0 ? [{ role: 'user', content: 'Say hello' }] : messagesOf(turns)
  const body = JSON.stringify({
    model,
    messages: messages.filter(({ role }, at) => role === 'user' || at < messages.length - 1),
  })
  return curlOf(`${location.origin}/v1/chat/completions`, '$CHASM_KEY', body)
}
