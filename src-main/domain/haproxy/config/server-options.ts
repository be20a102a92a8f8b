import type { Word } from '../../config-text/line-tree.ts'

/** One option of a `server`, `default-server` or `server-template` line. */
export interface ServerOption {
  readonly name: string
  readonly values: readonly string[]
  /** word indexes in the line, `to` exclusive: what an edit has to replace */
  readonly from: number
  readonly to: number
}

/** Options that take one value (configuration manual 5.2, up to 3.2); `observe layer4` counts as one. Everything else is a flag. */
const takesValue = new Set(
  `addr agent-addr agent-inter agent-port agent-send alpn ca-file check-alpn check-proto check-sni ciphers ciphersuites client-sigalgs
  cookie crl-file crt curves downinter error-limit fall fastinter force-cipher guid hash-key id idle-ping init-addr init-state inter
  log-bufsize log-proto max-reuse maxconn maxqueue minconn namespace npn observe on-error on-marked-down on-marked-up pool-conn-name
  pool-low-conn pool-max-conn pool-purge-delay port proto proxy-v2-options redir resolve-net resolve-opts resolve-prefer resolvers rise
  set-proxy-v2-tlv-fmt shard sigalgs slowstart sni socks4 ssl-max-ver ssl-min-ver tcp-md5sig tcp-ut track usesrc verify verifyhost weight
  ws`.split(/\s+/),
)
const flags = new Set(
  `agent-check allow-0rtt backup check check-reuse-pool check-send-proxy check-ssl check-via-socks4 disabled enabled force-sslv3
  force-tlsv10 force-tlsv11 force-tlsv12 force-tlsv13 no-agent-check no-backup no-check no-check-reuse-pool no-check-send-proxy
  no-check-ssl no-send-proxy no-send-proxy-v2 no-send-proxy-v2-ssl no-send-proxy-v2-ssl-cn no-ssl no-ssl-reuse no-sslv3 no-tfo
  no-tls-tickets no-tlsv10 no-tlsv11 no-tlsv12 no-tlsv13 no-verifyhost non-stick renegotiate no-renegotiate send-proxy send-proxy-v2
  send-proxy-v2-ssl send-proxy-v2-ssl-cn ssl ssl-reuse stick tfo tls-tickets`.split(/\s+/),
)

/** How an option is written: by itself or with one value; null for one that HAProxy does not know, or that has a form of its own. */
export const optionForm = (name: string): 'flag' | 'value' | null =>
  flags.has(name) ? 'flag' : takesValue.has(name) ? 'value' : null

/**
 * The options from word `from` on. A word HAProxy does not know is an option without values and stands in `unknown`; what follows it is
 * read on, so that one misspelt word does not hide the rest.
 */
export function serverOptionsFrom(words: readonly Word[], from: number): { options: ServerOption[]; unknown: ServerOption[] } {
  const options: ServerOption[] = []
  const unknown: ServerOption[] = []
  for (let at = from; at < words.length;) {
    const name = words[at]?.value ?? ''
    const count = name === 'source' ? sourceWords(words, at) : takesValue.has(name) ? 1 : 0
    const to = Math.min(at + 1 + count, words.length)
    const option = { name, values: words.slice(at + 1, to).map(({ value }) => value), from: at, to }
    if (takesValue.has(name) || flags.has(name) || name === 'source') options.push(option)
    else unknown.push(option)
    at = to
  }
  return { options, unknown }
}

/** `source addr [usesrc addr | interface name]` */
function sourceWords(words: readonly Word[], at: number): number {
  return ['usesrc', 'interface'].includes(words[at + 2]?.value ?? '') ? 3 : 1
}
