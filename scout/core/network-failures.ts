/**
 * What a failed connection means for the operator: one phrase for each cause, with what to do about it. The
 * causes are the system's own codes, as the socket and fetch report them. Feeds the session's reasons, `doctor` and
 * `init`; the words for HTTP statuses and close codes are `refusal.ts`'s.
 */

/** The runtime reads this variable when it starts, before any `.env`. */
const certificate =
  'set NODE_EXTRA_CA_CERTS in the environment (.env comes too late) if an authority of your own signed it'

const proxies = 'correct HTTPS_PROXY or HTTP_PROXY, or add its host to NO_PROXY'

const phrases: Record<string, string> = {
  ECONNREFUSED: 'nothing listens at this address; start the orchestrator there or correct ORCHESTRATOR_URL',
  ECONNRESET: 'the other side hung up at once; if the orchestrator is behind TLS, write https:// in ORCHESTRATOR_URL',
  ENOTFOUND: 'nobody knows this host name; check ORCHESTRATOR_URL for a typing error, and the network',
  EAI_AGAIN: 'host names cannot be looked up; check the network and its DNS',
  ENETUNREACH: 'there is no network; connect this machine and the scout follows by itself',
  ENETDOWN: 'there is no network; connect this machine and the scout follows by itself',
  EHOSTUNREACH: 'this host cannot be reached from here; check the network and ORCHESTRATOR_URL',
  ETIMEDOUT: 'nothing answers at this address; check ORCHESTRATOR_URL and the firewalls on the way',
  EPROTO: 'this port does not speak TLS; write http:// in ORCHESTRATOR_URL, or the port that speaks it',
  ERR_SSL_WRONG_VERSION_NUMBER:
    'this port does not speak TLS; write http:// in ORCHESTRATOR_URL, or the port that speaks it',
  DEPTH_ZERO_SELF_SIGNED_CERT: `its certificate is signed by nobody but itself and is not trusted; ${certificate}`,
  SELF_SIGNED_CERT_IN_CHAIN: `its certificate comes from an authority that is not trusted here; ${certificate}`,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: `its certificate comes from an authority that is not trusted here; ${certificate}`,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: `its certificate comes from an authority that is not trusted here; ${certificate}`,
  CERT_HAS_EXPIRED: "its certificate has expired; its operator must renew it, unless this machine's clock is wrong",
  CERT_NOT_YET_VALID: "its certificate is not valid yet; set this machine's clock",
  ERR_PROXY_TUNNEL: `the proxy refuses the way to it; ${proxies}`,
  EPROXY: `the proxy cannot be reached; ${proxies}`,
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host name; use that name in ORCHESTRATOR_URL',
}

/** The phrase for a system's error code; undefined when there is none. It begins small and ends without a stop. */
export function networkFailure(code: string): string | undefined {
  return Object.hasOwn(phrases, code) ? phrases[code] : undefined
}

/** Before the tunnel stands these are the proxy's troubles, not those of the host behind it. */
const proxyCauses: readonly string[] = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']

/** The cause of a failed connection through a proxy, when the proxy is at fault; undefined when it is not. */
export function proxyFailure(code: string): string | undefined {
  if (code === 'ERR_PROXY_TUNNEL') return code
  return proxyCauses.includes(code) ? 'EPROXY' : undefined
}
