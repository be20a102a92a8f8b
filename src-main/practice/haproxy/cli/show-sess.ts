import type { Session } from '../../traffic/traffic.ts'
import type { Worker } from '../worker/worker.ts'
import { Refusal, type CliCommand } from './command.ts'

/** A session's address in the worker's memory: made of its pid and number, so that it names one session and stays the same. */
const pointerOf = ({ process }: Worker, { id }: Session): string =>
  `0x${(0x55c000000000 + (process.pid % 0x10000) * 0x1000000 + id * 0x560).toString(16)}`

/** `1d3h`, `2m5s`, `7s` */
function ageText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  const units: [number, string][] = [
    [86_400, 'd'],
    [3600, 'h'],
    [60, 'm'],
    [1, 's'],
  ]
  const first = units.findIndex(([size]) => seconds >= size)
  if (first === -1) return '0s'
  return units
    .slice(first, first + 2)
    .map(([size, unit], index) => {
      const count = Math.floor(seconds / size) % (index === 0 ? Infinity : (units[first]?.[0] ?? 1) / size)
      return count > 0 ? `${count}${unit}` : ''
    })
    .join('')
}

function sessionLine(worker: Worker, session: Session): string {
  const { source, service, pool, server } = session
  const age = ageText(worker.machine.clock.monotonic() - session.startedAt)
  const calls = 2 + session.requests
  return `${pointerOf(worker, session)}: proto=tcpv4 src=${source.address}:${source.port} fe=${service} be=${pool ?? '<NONE>'} srv=${server ?? '<none>'} ts=00 epoch=0 age=${age} calls=${calls} rate=0 cpu=0 lat=0 rq[f=808000h,i=0,an=00h,rx=,wx=,ax=] rp[f=80008000h,i=0,an=00h,rx=,wx=,ax=] scf=[8,0h,fd=${session.id + 15}] scb=[8,1h,fd=${session.id + 16}] exp= rc=0 c_exp=\n`
}

const cliPointer = ({ process }: Worker): string => `0x${(0x55bfff000000 + process.pid * 0x560).toString(16)}`

function ownLine(worker: Worker): string {
  return `${cliPointer(worker)}: proto=unix_stream src=unix:1 fe=GLOBAL be=<NONE> srv=<none> ts=00 epoch=0 age=0s calls=1 rate=0 cpu=0 lat=0 rq[f=c08000h,i=0,an=00h,rx=,wx=,ax=] rp[f=80008002h,i=0,an=00h,rx=,wx=,ax=] scf=[8,200h,fd=19] scb=[8,1h,fd=-1] exp= rc=0 c_exp=\n`
}

/** An HTTP connection between two requests is no session of HAProxy's; a connection that has not spoken yet is. */
const isSession = (session: Session): boolean => session.request !== null || session.server !== null || session.requests === 0

export const showSess: CliCommand = {
  words: 'show sess',
  level: 'operator',
  run([which], { worker }) {
    if (which === 'all') throw new Refusal('This practice balancer knows "show sess" without details only.\n')
    const sessions = worker.engine.sessions().filter(isSession)
    const wanted = which?.startsWith('0x') === true ? Number(which) : 0
    if (wanted !== 0) {
      const one = sessions.find((session) => Number(pointerOf(worker, session)) === wanted)
      if (one === undefined) throw new Refusal('Session not found.\n')
      return sessionLine(worker, one)
    }
    return sessions.map((session) => sessionLine(worker, session)).join('') + ownLine(worker)
  },
}

export const shutdownSession: CliCommand = {
  words: 'shutdown session',
  level: 'admin',
  run([pointer = ''], { worker }) {
    const wanted = Number(pointer)
    if (!(wanted > 0)) throw new Refusal("Session pointer expected (use 'show sess').\n")
    const session = worker.engine.sessions().find((one) => Number(pointerOf(worker, one)) === wanted)
    if (session === undefined) throw new Refusal("No such session (use 'show sess').\n")
    session.cut()
    return ''
  },
}
