import type { Agent } from 'node:http'
import type { MachineNetwork, PracticeClock } from '../machine/machine.ts'
import type { Traffic } from './context.ts'
import { createProbe } from './health/active-check.ts'
import { createTcpService } from './layer4.ts'
import { createHttpService } from './layer7/http-service.ts'
import { ServerAgent } from './layer7/server-agent.ts'
import { createPool, shareOf, type LivePool } from './pool.ts'
import { createSessionTable } from './sessions.ts'
import type { Engine, Pool } from './traffic.ts'
import { createWheel } from './wheel.ts'

export interface EngineOptions {
  readonly network: MachineNetwork
  readonly clock: PracticeClock
  /** the worker process that the connections to servers belong to */
  readonly pid: number
  /** evenly between 0 (included) and 1, like `Math.random` */
  readonly random: () => number
  /** an error that is a fault of the engine; its connection is closed, the rest goes on */
  readonly report: (thrown: unknown) => void
}

/** of every engine, since a pool may serve several */
const livePools = new WeakMap<Pool, LivePool>()

export function createEngine({ network, clock, pid, random, report }: EngineOptions): Engine {
  const wheel = createWheel(clock)
  const now = (): number => clock.monotonic()
  const probe = createProbe(network, clock, pid)
  const sessions = createSessionTable(now, pid)
  const pools: LivePool[] = []
  /** of the pools that have forwarded HTTP */
  const agents = new Map<LivePool, { kept: Agent; fresh: Agent }>()
  let finishing = false
  const traffic: Traffic = { network, clock, pid, wheel, now, sessions, report, isFinishing: () => finishing }

  const livePool = (pool: Pool): LivePool => {
    const found = livePools.get(pool)
    if (found === undefined) throw new RangeError(`The pool ${pool.spec.name} is of no engine.`)
    return found
  }
  const agentsOf = (pool: LivePool): { kept: Agent; fresh: Agent } => {
    const found = agents.get(pool)
    if (found !== undefined) return found
    const { connectTimeoutMs, keptConnections } = pool.spec
    const from = { pid, timeoutMs: connectTimeoutMs }
    const fresh = new ServerAgent(network, from, 0)
    const made = { kept: keptConnections === 0 ? fresh : new ServerAgent(network, from, keptConnections), fresh }
    agents.set(pool, made)
    return made
  }

  return {
    addPool(spec) {
      const live = createPool(spec, { wheel, now, probe, random })
      livePools.set(live, live)
      pools.push(live)
      return live
    },
    sharePool(pool, rules) {
      const shared = shareOf(livePool(pool), rules)
      livePools.set(shared, shared)
      return shared
    },
    addTcpService: (spec) => createTcpService({ ...spec, pool: livePool(spec.pool) }, traffic),
    addHttpService: (spec) => createHttpService(spec, traffic, { agentsOf, livePool }),
    sessions: () => sessions.all(),
    async finish() {
      finishing = true
      for (const pool of pools) pool.retire()
      // One that has just come will ask at once, and one whose next request has begun to arrive is at work already: both get their answer.
      for (const { requests, idleSince, connection } of sessions.all())
        if (requests > 0 && idleSince === connection.socket.bytesRead) connection.socket.destroy()
      await sessions.empty()
      for (const { kept, fresh } of agents.values()) for (const agent of [kept, fresh]) agent.destroy()
      wheel.stop()
    },
    finishNow() {
      for (const session of sessions.all()) session.cut()
    },
  }
}
