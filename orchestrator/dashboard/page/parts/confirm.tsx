/**
 * Asks before something that cannot be undone, or that ends what others have open.
 */
import type { ComponentChildren } from 'preact'
import { Dialog } from './dialog.tsx'
import { Form } from './form.tsx'

interface ConfirmProps {
  title: string
  /** What is said on the button that does it. */
  button: string
  /** Throws a refusal, which is shown. */
  onConfirm: () => Promise<unknown>
  onClose: () => void
  /** What will happen. */
  children: ComponentChildren
}

export function Confirm({ title, button, onConfirm, onClose, children }: ConfirmProps) {
  return (
    <Dialog title={title} onClose={onClose}>
      {children}
      <Form submit={button} isDanger onCancel={onClose} onSubmit={onConfirm}>
        {null}
      </Form>
    </Dialog>
  )
}
