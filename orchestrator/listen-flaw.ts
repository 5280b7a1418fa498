/**
 * Why the server cannot listen where it was told to, as one sentence that says what to change. Whoever composes a hub
 * asks when `serveHub` has thrown.
 */

/** `error`: what listening threw. `canListen`: whether the server could listen at this host, at any port. */
export function listenFlaw(
  { host, port }: { host: string; port: number },
  error: unknown,
  canListen: (host: string) => boolean,
): string {
  const code = (error as { code?: unknown }).code
  // The runtime calls every failure to bind a taken port: another port tells whether it is the address.
  const isAddress = code === 'EACCES' || canListen(host)
  if (!isAddress) return `HOST=${host} is no address of this machine: set HOST to one, as 127.0.0.1 or 0.0.0.0.`
  if (code === 'EADDRINUSE') {
    return `Port ${port} on ${host} is taken by another program: stop that one, or set PORT to a free port.`
  }
  if (code === 'EACCES') return `Port ${port} on ${host} is not yours to use: set PORT to one above 1023.`
  return `Cannot listen on ${host}, port ${port}: ${String((error as Error).message)}. Check HOST and PORT.`
}
