/**
 * Tables as CSV: statements of seasons, and receipts for their owners. Pure.
 */

export function csvLine(cells: readonly (string | number)[]): string {
  return `${cells.map((cell) => (typeof cell === 'number' ? cell : field(cell))).join(',')}\n`
}

/** Names of scouts are their operators' choice: quoted where they need it, and never a formula of a table. */
function field(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
