/**
 * A dialog above the page, by the platform's own element: focus stays in it, and Escape closes it unless it may not.
 */
import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'

interface DialogProps {
  title: string
  /** Absent: only what is inside can close it. */
  onClose?: () => void
  children: ComponentChildren
}

export function Dialog({ title, onClose, children }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const before = document.activeElement
    element.current?.showModal()
    return () => {
      if (before instanceof HTMLElement) before.focus()
    }
  }, [])
  return (
    <dialog
      ref={element}
      class="dialog"
      aria-label={title}
      onKeyDown={(event) => {
        // Before the browser takes it for a wish to close.
        if (onClose === undefined && event.key === 'Escape') event.preventDefault()
      }}
      onCancel={(event) => {
        event.preventDefault()
        onClose?.()
      }}
      // Browsers let nobody be held by a dialog: a second Escape closes it unasked.
      onClose={() => (onClose === undefined ? element.current?.showModal() : onClose())}
    >
      <div class="dialog-body">
        <h2>{title}</h2>
        {children}
      </div>
    </dialog>
  )
}
