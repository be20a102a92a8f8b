/*
 * What a prober is told and what it says, wherever it runs: on a node in perl or python, in a thread of the console.
 *
 * It is told one letter at a time (`t`: say your time) and by the end of its input to finish. It says lines; times are microseconds since
 * the epoch by its own clock, which does not jump while it runs:
 *   c NOW
 *   p SENT TOOK CONNECTED OUTCOME            a probe is over; CONNECTED is -1 when it never was
 *   h OPENED PORT ENDING ENDED SILENCE WHAT  a held connection is over; ENDED is -1 when it was only let go
 *   n NOW HEX                                a message of the kernel's routing socket
 *   v NOW FROM HEX                           a packet of VRRP came, without what IP puts around it
 */
import { AppError } from '../app/app-error.ts'
import type { HeldConnection, ProbeOutcome, ProbeTarget, RecordedProbe, VrrpAdvert } from '../app/ports/recorder.ts'

/** argv of a program that probes, after `probe` and its longest life */
export type ProbeArgs = [
  host: string,
  port: string,
  everyUs: string,
  timeoutUs: string,
  request: string,
  heldRequest: string,
  /** opens a WebSocket; empty: there is none */
  upgrade: string,
  /** `-`: TLS without SNI; empty: no TLS */
  serverName: string,
]

/** More would be more than select(2) can wait for. */
const mostUnderWay = 500

/** @throws AppError `request.invalid` */
export function probeArgs(target: ProbeTarget): ProbeArgs {
  const { host, port, kind, path, everyMs, timeoutMs, tls = false, hostName, webSocketPath } = target
  const strange = [path, webSocketPath ?? '/'].find((one) => !/^\/[\x21-\x7e]*$/.test(one))
  if (strange !== undefined) {
    throw new AppError('request.invalid', `"${strange}" cannot be asked for: write what is not a plain letter in it as %XX.`)
  }
  if (!(everyMs >= 1 && timeoutMs / everyMs <= mostUnderWay)) {
    const message = `A probe every ${everyMs} ms with ${timeoutMs} ms for its answer could leave more than ${mostUnderWay} open; probe less often.`
    throw new AppError('request.invalid', message)
  }
  const authority = `${hostName ?? (host.includes(':') ? `[${host}]` : host)}:${port}`
  const get = (of: string, ...headers: string[]): string =>
    [`GET ${of} HTTP/1.1`, `Host: ${authority}`, 'User-Agent: evenkeel', ...headers, '', ''].join('\r\n')
  const ask = (connection: string): string => (kind === 'tcp' ? '' : get(path, 'Accept: */*', `Connection: ${connection}`))
  const upgrade = [
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${webSocketKey}`,
  ]
  return [
    host,
    String(port),
    `${everyMs * 1000}`,
    `${timeoutMs * 1000}`,
    ask('close'),
    ask('keep-alive'),
    webSocketPath === undefined ? '' : get(webSocketPath, ...upgrade),
    tls ? (hostName ?? '-') : '',
  ]
}

/** Sixteen bytes that need not be secret (RFC 6455, section 4.1): what comes back is not looked at. */
const webSocketKey = Buffer.from('evenkeel drills.').toString('base64')

const outcomes: Readonly<Record<string, ProbeOutcome>> = {
  a: 'answered',
  b: 'bad-answer',
  f: 'refused',
  r: 'reset',
  u: 'unreachable',
  t: 'timeout',
}
const endings: Readonly<Record<string, HeldConnection['ending']>> = { o: 'open', z: 'frozen', c: 'closed', r: 'reset' }
const whats: Readonly<Record<string, HeldConnection['what']>> = { t: 'tcp', k: 'keep-alive', w: 'websocket' }

/** `offsetMs`: how far the program's clock is ahead. @throws Error for a line that no program says */
export function parseProbe(words: readonly string[], offsetMs: number): RecordedProbe {
  const [sent, took, connected] = words.map(Number)
  const outcome = outcomes[words[3] ?? '']
  if (sent === undefined || took === undefined || connected === undefined || outcome === undefined) throw strange('p', words)
  return {
    at: sent / 1000 - offsetMs,
    tookMs: took / 1000,
    connectMs: connected < 0 ? null : connected / 1000,
    outcome,
    ok: outcome === 'answered',
  }
}

/** As `parseProbe`. */
export function parseHeld(words: readonly string[], offsetMs: number): HeldConnection {
  const [opened, localPort, , ended, silence] = words.map(Number)
  const [ending, what] = [endings[words[2] ?? ''], whats[words[5] ?? '']]
  if (
    opened === undefined ||
    localPort === undefined ||
    ended === undefined ||
    silence === undefined ||
    ending === undefined ||
    what === undefined
  )
    throw strange('h', words)
  return {
    what,
    openedAt: opened / 1000 - offsetMs,
    localPort,
    ending,
    endedAt: ended < 0 ? null : ended / 1000 - offsetMs,
    longestSilenceMs: silence / 1000,
  }
}

/** A packet of VRRP of either version, as it came at `at`; null: it is none. */
export function parseAdvert(at: number, [, from = '', hex = '']: readonly string[]): VrrpAdvert | null {
  const [versionAndType = 0, vrid = 0, priority = 0] = Buffer.from(hex, 'hex')
  return (versionAndType & 0x0f) === 1 && hex.length >= 16 ? { at, from, vrid, priority } : null
}

const strange = (kind: string, words: readonly string[]): Error =>
  new Error(`A prober said something strange: ${JSON.stringify([kind, ...words].join(' ').slice(0, 200))}.`)
