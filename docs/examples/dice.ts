// A scout that rolls dice: the least a scout of one's own can be. Run it with: bun docs/examples/dice.ts
import { defineScout } from 'chasm/scout'

await defineScout({
  name: 'dice',
  offers: [{ model: 'dice', about: 'Rolls dice: "2d6" gives the sum of two six-sided ones.' }],
  handle({ text }) {
    const [, count = '1', sides = '6'] = /(\d{1,2})d(\d{1,3})/.exec(text) ?? []
    const rolls = Array.from({ length: Number(count) }, () => 1 + Math.floor(Math.random() * Number(sides)))
    return { rolls, sum: rolls.reduce((sum, roll) => sum + roll, 0) }
  },
}).run()
