/**
 * The prompts of a calibration that brings none of its own: everyday requests, some with few right answers and some
 * with many, because both are what an audit meets. Each is made of a subject and of what is wanted of it. Pure.
 */

const subjects = [
  ...['the water cycle', 'the French Revolution', 'sourdough bread', 'public libraries', 'the human heart'],
  ...['solar panels', 'the rules of chess', 'migrating birds', 'compound interest', 'the moon landing'],
  ...['vaccines', 'the Roman road network', 'green tea', 'plate tectonics', 'remote work', 'the printing press'],
  ...['coral reefs', 'a marathon', 'the Silk Road', 'sleep', 'open-source licences', 'volcanoes', 'inflation'],
  ...['the violin', 'beekeeping', 'city trams', 'the periodic table', 'glaciers', 'a family budget', 'antibiotics'],
  ...['the Suez Canal', 'houseplants', 'how aeroplanes fly', 'the Renaissance', 'wind turbines', 'haiku'],
  ...['the immune system', 'cheese', 'railway timetables', 'elections'],
] as const

const wishes: readonly ((subject: string) => string)[] = [
  (subject) => `Explain ${subject} to a twelve-year-old in one paragraph.`,
  (subject) => `What are the three most important facts about ${subject}? One sentence each.`,
  (subject) => `Write a short, friendly newsletter text about ${subject}.`,
  (subject) => `What do people often get wrong about ${subject}?`,
  (subject) => `Give five practical tips that have to do with ${subject}.`,
  (subject) => `Summarise the history of ${subject} in about 120 words.`,
]

/** Different ones, as many as there are subjects and wishes. */
export function ownPrompts(count: number): string[] {
  const all = wishes.flatMap((wish) => subjects.map(wish))
  return all.slice(0, count)
}
