/** Placeholder: replaced by the real pre-scan. */
export function scan(_message: Uint8Array): string | null {
  return null
}
