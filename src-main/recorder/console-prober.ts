/*
 * Probes from the console itself, in the rhythm and with the words of program-lines.ts. Runs in a thread of its own (probe-thread.ts),
 * because the console's own event loop stands still for up to a tenth of a second while it reads a large fleet.
 */
import { connect, type Socket } from 'node:net'
import type { ProbeArgs } from './program-lines.ts'

const heldEveryMs = 200
const heldAgainMs = 1000
const keepAliveMs = 1000

const lettersOf: Readonly<Record<string, string>> = { ECONNREFUSED: 'f', ECONNRESET: 'r', EPIPE: 'r', ETIMEDOUT: 't' }
const letterOf = ({ code = '' }: NodeJS.ErrnoException): string => lettersOf[code] ?? 'u'

/** Probes until `finish`; then waits for what is under way and calls `ended`. `say` gets the lines. */
export function startConsoleProber(args: ProbeArgs, say: (line: string) => void, ended: () => void) {
  const [host, port, everyUs, timeoutUs, request, heldRequest] = args
  const everyMs = Number(everyUs) / 1000
  const timeoutMs = Number(timeoutUs) / 1000
  const epochMs = Date.now() - performance.now()
  const us = (ms: number): string => Math.round(ms * 1000).toString()
  const usAt = (ms: number): string => us(ms + epochMs)

  /** in the order in which they were sent */
  const waiting: { at: number; isOver: boolean; end: (outcome: string) => void }[] = []
  let isRunning = true
  let held = holdConnection()

  function probe(): void {
    const at = performance.now()
    const socket = connect({ host, port: Number(port), noDelay: true })
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
    waiting.push(entry)
    socket.on('error', (error) => entry.end(letterOf(error)))
    socket.once('connect', () => {
      connectedMs = performance.now() - at
      if (request === '') entry.end('a')
      else socket.write(request)
    })
    if (request === '') return
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      if (text.length >= 12) entry.end(/^HTTP\/1\.\d [1-4]/.test(text) ? 'a' : 'b')
    })
    socket.on('end', () => entry.end('b'))
  }

  function holdConnection() {
    const openedAt = performance.now()
    const socket: Socket = connect({
      host,
      port: Number(port),
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: keepAliveMs,
    })
    let localPort = 0
    let askedAt: number | null = null
    let askNextAt = 0
    let longestMs = 0
    let endedAt: number | null = null
    const silence = (): number => (askedAt === null ? 0 : performance.now() - askedAt)
    const end = (ending: string): void => {
      if (endedAt !== null) return
      endedAt = performance.now()
      const when = ending === 'o' || ending === 'z' ? '-1' : usAt(endedAt)
      if (localPort > 0) say(`h ${usAt(openedAt)} ${localPort} ${ending} ${when} ${us(Math.max(longestMs, silence()))}`)
      socket.destroy()
    }
    socket.on('error', () => end('r'))
    socket.on('end', () => end('c'))
    socket.once('connect', () => (localPort = socket.localPort ?? 0))
    socket.on('data', () => {
      if (askedAt === null) return
      longestMs = Math.max(longestMs, silence())
      askNextAt = askedAt + heldEveryMs
      askedAt = null
    })
    return {
      tick(now: number): void {
        if (endedAt !== null && now - endedAt >= heldAgainMs) held = holdConnection()
        if (endedAt !== null || heldRequest === '' || localPort === 0 || askedAt !== null || now < askNextAt) return
        askedAt = now
        socket.write(heldRequest)
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
    if (isRunning) held.tick(now)
    for (let first = waiting[0]; first?.isOver === true || (first && now - first.at >= timeoutMs); first = waiting[0]) {
      first.end('t')
      waiting.shift()
    }
    if (!isRunning && waiting.length === 0) {
      held.letGo()
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
