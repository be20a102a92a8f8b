/*
 * Probes from the console itself, in the rhythm and with the words of program-lines.ts. Runs in a thread of its own (probe-thread.ts),
 * because the console's own event loop stands still for up to a tenth of a second while it reads a large fleet.
 */
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { ProbeArgs } from './program-lines.ts'

const heldEveryMs = 200
const heldAgainMs = 1000
const keepAliveMs = 1000

/** A frame without content, masked as those of clients have to be (RFC 6455). */
const ping = Buffer.concat([Buffer.from([0x89, 0x80]), Buffer.from('mask')])

const lettersOf: Readonly<Record<string, string>> = { ECONNREFUSED: 'f', ECONNRESET: 'r', EPIPE: 'r', ETIMEDOUT: 't' }
const letterOf = ({ code = '' }: NodeJS.ErrnoException): string =>
  lettersOf[code] ?? (/^(EPROTO$|ERR_(SSL|TLS))/.test(code) ? 'b' : 'u')

/** Probes until `finish`; then waits for what is under way and calls `ended`. `say` gets the lines. */
export function startConsoleProber(args: ProbeArgs, say: (line: string) => void, ended: () => void) {
  const [host, port, everyUs, timeoutUs, request, heldRequest, upgrade, serverName] = args
  const everyMs = Number(everyUs) / 1000
  const timeoutMs = Number(timeoutUs) / 1000
  const epochMs = Date.now() - performance.now()
  const us = (ms: number): string => Math.round(ms * 1000).toString()
  const usAt = (ms: number): string => us(ms + epochMs)

  /** in the order in which they were sent */
  const waiting: { at: number; isOver: boolean; end: (outcome: string) => void }[] = []
  let isRunning = true
  const held = [holdConnection(heldRequest === '' ? 't' : 'k', heldRequest)]
  if (upgrade !== '') held.push(holdConnection('w', upgrade))

  /** `opened`: TCP stands; `ready`: so does TLS, where it is spoken. */
  function dial(opened: () => void, ready: () => void, keepAlive = false): Socket {
    const options = { host, port: Number(port), noDelay: true, keepAlive, keepAliveInitialDelay: keepAliveMs }
    if (serverName === '') {
      return connect(options, () => {
        opened()
        ready()
      })
    }
    // whose certificate it is does not matter here
    const sni = serverName === '-' ? {} : { servername: serverName }
    return connectTls({ ...options, ...sni, rejectUnauthorized: false }, ready).once('connect', opened)
  }

  function probe(): void {
    const at = performance.now()
    let connectedMs = -1
    let text = ''
    const entry = {
      at,
      isOver: false,
      end(outcome: string): void {
        if (entry.isOver) return
        entry.isOver = true
        say(`p ${usAt(at)} ${us(performance.now() - at)} ${connectedMs < 0 ? '-1' : us(connectedMs)} ${outcome}`)
        socket.destroy()
      },
    }
    const socket = dial(
      () => (connectedMs = performance.now() - at),
      () => {
        if (request === '') entry.end('a')
        else socket.write(request)
      },
    )
    waiting.push(entry)
    socket.on('error', (error) => entry.end(letterOf(error)))
    if (request === '') return
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      if (text.length >= 12) entry.end(/^HTTP\/1\.\d [1-4]/.test(text) ? 'a' : 'b')
    })
    socket.on('end', () => entry.end('b'))
  }

  function holdConnection(what: 't' | 'k' | 'w', opening: string) {
    const openedAt = performance.now()
    let localPort = 0
    let isReady = false
    let isUpgraded = false
    let askedAt: number | null = null
    let askNextAt = 0
    let longestMs = 0
    let endedAt: number | null = null
    const silence = (): number => (askedAt === null ? 0 : performance.now() - askedAt)
    const end = (ending: string): void => {
      if (endedAt !== null) return
      endedAt = performance.now()
      const when = ending === 'o' || ending === 'z' ? '-1' : usAt(endedAt)
      if (localPort > 0) say(`h ${usAt(openedAt)} ${localPort} ${ending} ${when} ${us(Math.max(longestMs, silence()))} ${what}`)
      socket.destroy()
    }
    const socket = dial(
      () => (localPort = socket.localPort ?? 0),
      () => (isReady = true),
      true,
    )
    socket.on('error', () => end('r'))
    socket.on('end', () => end('c'))
    socket.on('data', (chunk) => {
      if (askedAt === null) return
      if (what === 'w' && !isUpgraded) {
        if (!chunk.toString('latin1').startsWith('HTTP/1.1 101')) return end('c')
        isUpgraded = true
      }
      longestMs = Math.max(longestMs, silence())
      askNextAt = askedAt + heldEveryMs
      askedAt = null
    })
    return {
      /** its turn to be opened again */
      isDue: (now: number): boolean => endedAt !== null && now - endedAt >= heldAgainMs,
      again: () => holdConnection(what, opening),
      tick(now: number): void {
        if (endedAt !== null || opening === '' || !isReady || askedAt !== null || now < askNextAt) return
        askedAt = now
        socket.write(isUpgraded ? ping : opening)
      },
      letGo: () => end(silence() > timeoutMs ? 'z' : 'o'),
    }
  }

  let dueAt = performance.now()
  let timer: NodeJS.Timeout
  function tick(): void {
    const now = performance.now()
    if (isRunning && now >= dueAt) {
      probe()
      // what was missed is not made up for: a burst would say nothing about the time that is gone
      dueAt += everyMs * (1 + Math.floor((now - dueAt) / everyMs))
    }
    for (const [index, one] of isRunning ? held.entries() : []) {
      if (one.isDue(now)) held[index] = one.again()
      else one.tick(now)
    }
    for (let first = waiting[0]; first?.isOver === true || (first && now - first.at >= timeoutMs); first = waiting[0]) {
      first.end('t')
      waiting.shift()
    }
    if (!isRunning && waiting.length === 0) {
      for (const one of held) one.letGo()
      return ended()
    }
    timer = setTimeout(tick, isRunning ? Math.max(0, dueAt - performance.now()) : everyMs)
  }
  tick()

  return {
    sayTime: () => say(`c ${usAt(performance.now())}`),
    finish() {
      isRunning = false
      clearTimeout(timer)
      tick()
    },
  }
}
