/**
 * The live catalogue as the planner sees it: which models and specialists are there, what is known of them, and which
 * of them to trust with planning or judging. The edge hands it in with every request; nothing of it is kept.
 */

import type { CatalogModel } from '../engine/ports/planner.ts'

/** Models for any question, the most capable first as far as the catalogue shows. */
export function chatModels(catalog: readonly CatalogModel[]): CatalogModel[] {
  const plain = catalog.filter(({ kinds, about }) => kinds.includes('chat') && about === '')
  return plain.sort((a, b) => strength(b) - strength(a) || b.contextTokens - a.contextTokens || (a.id < b.id ? -1 : 1))
}

/** A higher price or a larger model usually means better answers. */
function strength({ id, answerDollars }: CatalogModel): number {
  const billions = /(\d+(?:\.\d+)?)b\b/i.exec(id)
  const size = billions === null ? (/large|max|pro|opus|ultra/i.test(id) ? 100 : 10) : Number(billions[1])
  return size + 20 * (answerDollars ?? 0)
}

/** One line for each model, for a planning model to choose from. */
export function catalogText(catalog: readonly CatalogModel[], modelsMax: number): string {
  const listed = [...catalog].sort((a, b) => b.scouts - a.scouts || (a.id < b.id ? -1 : 1)).slice(0, modelsMax)
  return listed.map(line).join('\n')
}

function line(model: CatalogModel): string {
  const { id, kinds, scouts, contextTokens, abilities, about, tokensPerSecond, answerDollars } = model
  const facts = [
    about === '' ? kinds.join(' and ') : `specialist: ${about}`,
    `${scouts} ${scouts === 1 ? 'scout' : 'scouts'}`,
    ...(contextTokens > 0 ? [`context ${contextTokens} tokens`] : []),
    ...(tokensPerSecond === null ? [] : [`${Math.round(tokensPerSecond)} tokens/s`]),
    ...(answerDollars === null ? [] : [`$${answerDollars} per million tokens`]),
    ...(abilities.length > 0 ? [`can: ${abilities.join(', ')}`] : []),
  ]
  return `- ${id} (${facts.join('; ')})`
}
