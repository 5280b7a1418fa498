/**
 * One finding of a check: what was looked at, how it is, and a sentence that says what to do when it is not well.
 * The checks make them, `doctor` and `init` print them.
 */

export type Health = 'ok' | 'warn' | 'fail' | 'skip'

export interface Finding {
  what: string
  health: Health
  sentence: string
}

export function finding(what: string, health: Health, sentence: string): Finding {
  return { what, health, sentence }
}

const labelChars = 12

/** As one line; nothing in it can move a terminal's cursor. */
export function findingLine({ what, health, sentence }: Finding): string {
  return `${health.padEnd(6)}${what.padEnd(labelChars)}${plain(sentence)}\n`
}

function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: removing them is the point
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')
}
