import { createCounters, type Counters } from './figures.ts'
import type { Probe } from './health/active-check.ts'
import { nextHealth } from './health/hysteresis.ts'
import { createTrafficWindow } from './health/passive-check.ts'
import type { CheckResult, Server, ServerCondition, ServerEvent, ServerSpec } from './traffic.ts'
import type { Wheel } from './wheel.ts'

/** A server as its pool and those who connect to it use it. */
export interface LiveServer extends Server {
  readonly figures: Counters
  /** @param known the client already belongs to this server; a draining one still serves those */
  mayServe(known: boolean): boolean
  readonly isFull: boolean
  /** what real traffic learned */
  passed(): void
  failed(): void
  /** no more checks, no more events */
  stop(): void
}

export interface ServerContext {
  readonly wheel: Wheel
  /** monotonic, milliseconds */
  readonly now: () => number
  readonly probe: Probe
  /** before the first check, so that those of a pool do not all come at once */
  readonly firstCheckMs: number
  /** what it may serve, or its weight, may have changed */
  readonly changed: () => void
  readonly emit: (event: ServerEvent) => void
}

/** HAProxy's: a slow start goes up in sixteenths of a weight */
const weightParts = 16
const slowStartSteps = 20

export function createServer(spec: ServerSpec, context: ServerContext): LiveServer {
  const { wheel, now, probe } = context
  const { check, passive } = spec
  const figures = createCounters(now)
  const traffic = passive === null ? null : createTrafficWindow(passive, now)
  const fullHealth = check === null ? 1 : check.rise + check.fall - 1
  const leastUp = check === null ? 1 : check.rise

  let { address, port, weight, admin, maxSessions } = spec
  let passesLeft = check === null ? 0 : spec.warmUpPasses
  // As after a start of HAProxy: taken to be well, and the first failure takes it out.
  let health = passesLeft > 0 ? 0 : leastUp
  let checked = check !== null
  let degraded = false
  let startingAt: number | null = null
  let ejectedUntil: number | null = null
  let lastChangeAt = now()
  let downtime = 0
  let failedChecks = 0
  let timesDown = 0
  let lastCheck: CheckResult | null = null
  let cancelCheck = (): void => {}
  let stopped = false

  const isUp = (): boolean => passesLeft === 0 && health >= leastUp
  const condition = (): ServerCondition => {
    if (admin === 'maint') return 'maintenance'
    if (!isUp()) return passesLeft > 0 ? 'warming' : 'down'
    if (ejectedUntil !== null) return 'ejected'
    if (admin === 'drain') return 'draining'
    if (startingAt !== null) return 'warming'
    return degraded ? 'degraded' : 'up'
  }
  const isOut = (of: ServerCondition): boolean => of === 'down' || of === 'ejected' || of === 'maintenance'

  /** Every change of state goes through here. */
  function change(cause: ServerEvent['cause'], apply: () => void): void {
    const was = condition()
    const wasUp = isUp() && admin !== 'maint'
    apply()
    if (stopped) return
    if (!wasUp && isUp() && admin !== 'maint' && spec.slowStartMs > 0) beginSlowStart()
    const is = condition()
    if (is !== was) {
      if (isOut(was)) downtime += now() - lastChangeAt
      if (is === 'down') timesDown += 1
      lastChangeAt = now()
    }
    context.changed()
    if (is !== was) context.emit({ server, was, is, cause, at: lastChangeAt })
  }

  function beginSlowStart(): void {
    const began = now()
    startingAt = began
    const step = (): void => {
      if (stopped || startingAt !== began) return
      if (now() - began >= spec.slowStartMs) return change('time', () => (startingAt = null))
      context.changed()
      wheel.after(spec.slowStartMs / slowStartSteps, step)
    }
    wheel.after(spec.slowStartMs / slowStartSteps, step)
  }

  function schedule(ms: number): void {
    cancelCheck()
    if (check === null || stopped || !checked || admin === 'maint') return
    cancelCheck = wheel.after(ms, () => void run())
  }

  async function run(): Promise<void> {
    if (check === null) return
    const result = await probe(check, { address, port })
    // Switched off, or put into maintenance, while the question was on its way: the answer is of no interest any more.
    if (stopped || !checked || admin === 'maint') return
    change('check', () => judge(result))
    const settled = health === 0 || health === fullHealth
    const interval = isUp() ? check.intervalMs : (check.downIntervalMs ?? check.intervalMs)
    schedule(settled ? interval : (check.fastIntervalMs ?? interval))
  }

  function judge(result: CheckResult): void {
    if (check === null) return
    lastCheck = result
    if (passesLeft > 0) {
      passesLeft = result.passed ? passesLeft - 1 : spec.warmUpPasses
      if (passesLeft === 0) health = fullHealth
    } else {
      if (!result.passed && isUp()) failedChecks += 1
      health = nextHealth(health, result.passed, check)
    }
    degraded = result.degraded
  }

  const server: LiveServer = {
    spec,
    figures,
    get address() {
      return address
    },
    get port() {
      return port
    },
    setAddress(nextAddress, nextPort) {
      address = nextAddress
      port = nextPort
    },
    get admin() {
      return admin
    },
    setAdmin(next) {
      if (next === admin) return
      change('operator', () => {
        if (admin === 'maint') {
          health = leastUp
          traffic?.clear()
          ejectedUntil = null
        }
        if (next === 'maint') startingAt = null
        admin = next
      })
      schedule(0)
    },
    get weight() {
      return weight
    },
    setWeight(next) {
      change('operator', () => (weight = next))
    },
    get effectiveWeight() {
      if (startingAt === null || weight === 0) return weight
      const share = Math.min(1, (now() - startingAt) / spec.slowStartMs)
      return Math.max(1, Math.ceil(weight * weightParts * share)) / weightParts
    },
    get maxSessions() {
      return maxSessions
    },
    setMaxSessions(next) {
      change('operator', () => (maxSessions = next))
    },
    get health() {
      return health
    },
    get checked() {
      return checked
    },
    setChecked(next) {
      if (check === null || next === checked) return
      checked = next
      schedule(0)
    },
    get up() {
      return isUp()
    },
    setUp(up) {
      change('operator', () => {
        passesLeft = 0
        health = up ? fullHealth : 0
      })
    },
    get starting() {
      return startingAt !== null
    },
    get degraded() {
      return degraded
    },
    get ejectedUntil() {
      return ejectedUntil
    },
    get condition() {
      return condition()
    },
    get lastChangeAt() {
      return lastChangeAt
    },
    downtimeMs: () => downtime + (isOut(condition()) ? now() - lastChangeAt : 0),
    get failedChecks() {
      return failedChecks
    },
    get timesDown() {
      return timesDown
    },
    get lastCheck() {
      return lastCheck
    },

    mayServe: (known) => isUp() && ejectedUntil === null && (admin === 'ready' || (known && admin === 'drain')),
    get isFull() {
      return maxSessions !== null && figures.sessions >= maxSessions
    },
    passed: () => traffic?.passed(),
    failed() {
      if (passive === null || traffic?.failed() !== true || ejectedUntil !== null) return
      const until = now() + passive.coolDownMs
      change('traffic', () => (ejectedUntil = until))
      wheel.after(passive.coolDownMs, () => {
        if (ejectedUntil !== until) return
        traffic.clear()
        change('time', () => (ejectedUntil = null))
      })
    },
    stop() {
      stopped = true
      cancelCheck()
    },
  }
  schedule(context.firstCheckMs)
  return server
}
