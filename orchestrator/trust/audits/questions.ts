/**
 * Probes: questions in everyday wording that end in a number which is worked out here. Names, things and numbers vary
 * without end, so none can be cached; the level says how many steps they take, and goes to where a model's scouts just
 * about know the answer, which is where a smaller model does not. Pure: randomness comes in.
 */

export interface Question {
  text: string
  answer: number
}

export const levels = 5

/** Uniform whole number from `from` to `to`. */
type Draw = (from: number, to: number) => number

const names = ['Anna', 'Ben', 'Carla', 'David', 'Elif', 'Farid', 'Grace', 'Hiro', 'Ines', 'Jonas', 'Kira', 'Luis']
const things = ['apples', 'pencils', 'stamps', 'tiles', 'eggs', 'tickets', 'screws', 'candles', 'books', 'chairs']
const holders = ['boxes', 'bags', 'crates', 'packs', 'trays', 'shelves']
const endings = [
  'End with the number alone.',
  'Please finish your answer with just the number.',
  'Give a short reason and then the final number.',
  'What is the number? Put it last.',
]

/** How a story goes on from the amount so far; each is one step. */
const steps: ((amount: number, draw: Draw, thing: string) => { text: string; amount: number })[] = [
  (amount, draw, thing) => {
    if (amount < 2) return { text: `Then 25 more ${thing} arrive.`, amount: amount + 25 }
    const given = draw(1, amount - 1)
    return { text: `${given} of the ${thing} are given away.`, amount: amount - given }
  },
  (amount, draw, thing) => {
    const more = draw(7, 180)
    return { text: `Then ${more} more ${thing} arrive.`, amount: amount + more }
  },
  (amount, draw, thing) => {
    const times = draw(2, 9)
    return { text: `A week later there are ${times} times as many ${thing}.`, amount: amount * times }
  },
  (amount, draw) => {
    const people = draw(2, 9)
    const left = amount % people
    return {
      text: `They are shared equally among ${people} people as far as that goes, and the rest is kept.`,
      amount: left === 0 ? 0 : left,
    }
  },
]

/** `unit` gives random numbers from 0 to 1; `level` counts from 1. */
export function questionOf(level: number, unit: () => number): Question {
  const draw: Draw = (from, to) => from + Math.floor(unit() * (to - from + 1))
  const one = <Item>(of: readonly Item[]): Item => of[draw(0, of.length - 1)]!
  const thing = one(things)
  const [count, each] = [draw(3, 12 + 15 * level), draw(4, 12 + 20 * level)]
  const parts = [`${one(names)} has ${count} ${one(holders)} with ${each} ${thing} in each.`]
  let amount = count * each
  for (let step = 1; step < level; step++) {
    // What is left of a division is small: it only makes sense as the last step.
    const next = steps[draw(0, step === level - 1 ? 3 : 2)]!(amount, draw, thing)
    parts.push(next.text)
    amount = next.amount
  }
  const asked = parts.at(-1)!.includes('shared') ? 'How many are kept?' : `How many ${thing} are there now?`
  return { text: `${parts.join(' ')} ${asked} ${one(endings)}`, answer: amount }
}
