/**
 * Lines to copy for whoever does not want to take the hub's word: how a statement is checked, and how one's receipts
 * are fetched and checked. Pure; what they print is the verifier's.
 */

/** Run from a checkout; `npm run build` makes one file of it that any Node runs. */
const verifier = 'npx chasm-verify'

/** Of a statement and its signature, as the page saves them. */
export function statementLine(season: string, hub: string): string {
  return `${verifier} ${season}.csv --hub ${hub} --signature ${season}.csv.sig`
}

/** Fetches the chain with one's own receipts, some batches at a time, and checks it. */
export function receiptLines(origin: string, hub: string): string {
  return [
    'next=from=1; : > receipts.jsonl',
    'while [ -n "$next" ]; do',
    '  curl -fsS -D headers.txt -H "Authorization: Bearer $CHASM_KEY" \\',
    `    "${origin}/v1/receipts?$next" >> receipts.jsonl || break`,
    "  next=$(tr -d '\\r' < headers.txt | sed -n 's/^x-next: /after=/p')",
    'done',
    `${verifier} receipts.jsonl --hub ${hub}`,
  ].join('\n')
}
