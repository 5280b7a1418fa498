/**
 * A task that one hub did for another, as both know it: the hub that asked, and its own number and attempt of the task.
 * Numbers of tasks are unique in a network. The receipt of the hub that served has it as `asker`; in the other receipt
 * task and attempt are what they are. Pure.
 */

interface SharedTask {
  /** Name of the hub whose client asked. */
  asker: string
  task: number
  attempt: number
}

export function sharedTaskText({ asker, task, attempt }: SharedTask): string {
  return `${asker}/${task}/${attempt}`
}

/** Null for a text that `sharedTaskText` did not make. */
export function sharedTaskIn(text: string): SharedTask | null {
  const [, asker, task, attempt] = /^([a-z0-9-]+)\/(\d{1,16})\/(\d{1,10})$/.exec(text) ?? []
  return asker === undefined ? null : { asker, task: Number(task), attempt: Number(attempt) }
}
