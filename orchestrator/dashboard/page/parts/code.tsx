/**
 * Text to be copied, with a button that does. Copying works on plain http as well, where browsers lack the clipboard.
 */
import { useSignal } from '@preact/signals'
import { useRef } from 'preact/hooks'
import { Icon } from './icon.tsx'

const copiedShownMs = 2_000

export function Code({ text, label, wraps }: { text: string; label: string; wraps?: boolean }) {
  return (
    <div class="code">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: long lines are scrolled by keyboard as well */}
      <section class="code-box" tabIndex={0} aria-label={label}>
        <pre class={wraps ? 'wrap' : ''}>{text}</pre>
      </section>
      <CopyButton text={text} label={`Copy ${label}`} />
    </div>
  )
}

function CopyButton({ text, label }: { text: string; label: string }) {
  const isCopied = useSignal(false)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  const copy = async () => {
    isCopied.value = await copied(text)
    clearTimeout(timer.current)
    timer.current = setTimeout(() => {
      isCopied.value = false
    }, copiedShownMs)
  }
  return (
    <button type="button" class="button quiet small" aria-label={label} onClick={() => void copy()}>
      <Icon name={isCopied.value ? 'check' : 'copy'} />
      <span class="hidden-text" role="status">
        {isCopied.value ? 'Copied' : ''}
      </span>
    </button>
  )
}

async function copied(text: string): Promise<boolean> {
  if (navigator.clipboard !== undefined) {
    const isDone = await navigator.clipboard.writeText(text).then(
      () => true,
      () => false,
    )
    if (isDone) return true
  }
  const area = document.createElement('textarea')
  area.value = text
  // Inside an open dialog nothing outside of it can be selected.
  const place = document.querySelector('dialog[open]') ?? document.body
  place.append(area)
  area.select()
  const isDone = document.execCommand('copy')
  area.remove()
  return isDone
}
