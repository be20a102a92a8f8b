/*
 * What a prober is told and what it says, wherever it runs: on a node in perl or python, in a thread of the console.
 *
 * It is told one letter at a time (`t`: say your time) and by the end of its input to finish. It says lines; times are microseconds since
 * the epoch by its own clock, which does not jump while it runs:
 *   c NOW
 *   p SENT TOOK CONNECTED OUTCOME            a probe is over; CONNECTED is -1 when it never was
 *   h OPENED PORT ENDING ENDED SILENCE       a held connection is over; ENDED is -1 when it was only let go
 *   n NOW HEX                                a message of the kernel's routing socket
 */
import { AppError } from '../app/app-error.ts'
import type { HeldConnection, ProbeOutcome, ProbeTarget, RecordedProbe } from '../app/ports/recorder.ts'

/** argv of a program that probes, after `probe` and its longest life */
export type ProbeArgs = [host: string, port: string, everyUs: string, timeoutUs: string, request: string, heldRequest: string]

/** More would be more than select(2) can wait for. */
const mostUnderWay = 500

/** @throws AppError `request.invalid` */
export function probeArgs({ host, port, kind, path, everyMs, timeoutMs }: ProbeTarget): ProbeArgs {
  if (!/^\/[\x21-\x7e]*$/.test(path)) {
    throw new AppError('request.invalid', `"${path}" cannot be asked for: write what is not a plain letter in it as %XX.`)
  }
  if (!(everyMs >= 1 && timeoutMs / everyMs <= mostUnderWay)) {
    const message = `A probe every ${everyMs} ms with ${timeoutMs} ms for its answer could leave more than ${mostUnderWay} open; probe less often.`
    throw new AppError('request.invalid', message)
  }
  const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`
  const get = (connection: string): string =>
    kind === 'tcp'
      ? ''
      : `GET ${path} HTTP/1.1\r\nHost: ${authority}\r\nUser-Agent: evenkeel\r\nAccept: */*\r\nConnection: ${connection}\r\n\r\n`
  return [host, String(port), `${everyMs * 1000}`, `${timeoutMs * 1000}`, get('close'), get('keep-alive')]
}

const outcomes: Readonly<Record<string, ProbeOutcome>> = {
  a: 'answered',
  b: 'bad-answer',
  f: 'refused',
  r: 'reset',
  u: 'unreachable',
  t: 'timeout',
}
const endings: Readonly<Record<string, HeldConnection['ending']>> = { o: 'open', z: 'frozen', c: 'closed', r: 'reset' }

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
  const ending = endings[words[2] ?? '']
  if (opened === undefined || localPort === undefined || ended === undefined || silence === undefined || ending === undefined)
    throw strange('h', words)
  return {
    openedAt: opened / 1000 - offsetMs,
    localPort,
    ending,
    endedAt: ended < 0 ? null : ended / 1000 - offsetMs,
    longestSilenceMs: silence / 1000,
  }
}

const strange = (kind: string, words: readonly string[]): Error =>
  new Error(`A prober said something strange: ${JSON.stringify([kind, ...words].join(' ').slice(0, 200))}.`)
