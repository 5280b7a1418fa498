/**
 * Answers the numeric questions of probes by reading them, as a model would: what it is given is the text alone. For
 * played models of the simulation and of the calibration's tests; who wants a wrong answer adds to the right one.
 */

const begun = /has (\d+) \w+ with (\d+) \w+ in each\./

/** Each sentence that changes the amount, and how. */
const changes: [RegExp, (amount: number, number: number) => number][] = [
  [/(\d+) of the \w+ are given away\./, (amount, given) => amount - given],
  [/Then (\d+) more \w+ arrive\./, (amount, more) => amount + more],
  [/there are (\d+) times as many \w+\./, (amount, times) => amount * times],
  [/shared equally among (\d+) people/, (amount, people) => amount % people],
]

/** null for a text that is no such question. */
export function solved(text: string): number | null {
  const start = begun.exec(text)
  if (start === null) return null
  let amount = Number(start[1]) * Number(start[2])
  for (const sentence of text.slice(start.index + start[0].length).split(/(?<=\.) /)) {
    for (const [form, change] of changes) {
      const found = form.exec(sentence)
      if (found !== null) amount = change(amount, Number(found[1]))
    }
  }
  return amount
}
