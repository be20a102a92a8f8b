import { Counters } from './figures.ts'
import type { Probe } from './health/active-check.ts'
import { nextHealth } from './health/hysteresis.ts'
import { createTrafficWindow, type TrafficWindow } from './health/passive-check.ts'
import type { AdminState, CheckResult, Server, ServerCondition, ServerEvent, ServerSpec } from './traffic.ts'
import type { Wheel } from './wheel.ts'

export interface ServerContext {
  readonly wheel: Wheel
  /** monotonic, milliseconds */
  readonly now: () => number
  readonly probe: Probe
  /** what some server may serve, or its weight, may have changed */
  readonly changed: () => void
  readonly emit: (event: ServerEvent) => void
}

/** HAProxy's: a slow start goes up in sixteenths of a weight */
const weightParts = 16
const slowStartSteps = 20

const isOut = (of: ServerCondition): boolean => of === 'down' || of === 'ejected' || of === 'maintenance'

/** A server as its pool and those who connect to it use it. A class, since a practice fleet has 25 000 of them. */
export class LiveServer implements Server {
  readonly spec: ServerSpec
  readonly figures: Counters
  address: string
  port: number
  admin: AdminState
  weight: number
  maxSessions: number | null
  health: number
  checked: boolean
  degraded = false
  ejectedUntil: number | null = null
  lastChangeAt: number
  failedChecks = 0
  timesDown = 0
  lastCheck: CheckResult | null = null
  readonly #context: ServerContext
  readonly #traffic: TrafficWindow | null
  /** passes in a row that an added server still needs */
  #passesLeft: number
  #startingAt: number | null = null
  #downtimeMs = 0
  #cancelCheck: (() => void) | null = null
  #stopped = false

  /** @param firstCheckMs before the first check, so that those of a pool do not all come at once */
  constructor(spec: ServerSpec, context: ServerContext, firstCheckMs: number) {
    const { check, passive } = spec
    this.spec = spec
    this.#context = context
    this.figures = new Counters(context.now)
    this.#traffic = passive === null ? null : createTrafficWindow(passive, context.now)
    this.address = spec.address
    this.port = spec.port
    this.admin = spec.admin
    this.weight = spec.weight
    this.maxSessions = spec.maxSessions
    this.#passesLeft = check === null ? 0 : spec.warmUpPasses
    // As after a start of HAProxy: taken to be well, and the first failure takes it out.
    this.health = this.#passesLeft > 0 ? 0 : this.#leastUp
    this.checked = check !== null
    this.lastChangeAt = context.now()
    this.#schedule(firstCheckMs)
  }

  get #leastUp(): number {
    return this.spec.check?.rise ?? 1
  }

  get #fullHealth(): number {
    const { check } = this.spec
    return check === null ? 1 : check.rise + check.fall - 1
  }

  get up(): boolean {
    return this.#passesLeft === 0 && this.health >= this.#leastUp
  }

  get starting(): boolean {
    return this.#startingAt !== null
  }

  get condition(): ServerCondition {
    if (this.admin === 'maint') return 'maintenance'
    if (!this.up) return this.#passesLeft > 0 ? 'warming' : 'down'
    if (this.ejectedUntil !== null) return 'ejected'
    if (this.admin === 'drain') return 'draining'
    if (this.starting) return 'warming'
    return this.degraded ? 'degraded' : 'up'
  }

  get effectiveWeight(): number {
    if (this.#startingAt === null || this.weight === 0) return this.weight
    const share = Math.min(1, (this.#context.now() - this.#startingAt) / this.spec.slowStartMs)
    return Math.max(1, Math.ceil(this.weight * weightParts * share)) / weightParts
  }

  get isFull(): boolean {
    return this.maxSessions !== null && this.figures.sessions >= this.maxSessions
  }

  /** @param known the client already belongs to this server; a draining one still serves those */
  mayServe(known: boolean): boolean {
    return this.up && this.ejectedUntil === null && (this.admin === 'ready' || (known && this.admin === 'drain'))
  }

  downtimeMs(): number {
    return this.#downtimeMs + (isOut(this.condition) ? this.#context.now() - this.lastChangeAt : 0)
  }

  setAddress(address: string, port: number): void {
    this.address = address
    this.port = port
  }

  setAdmin(next: AdminState): void {
    if (next === this.admin) return
    const before = this.admin
    this.#change('operator', () => {
      if (before === 'maint') {
        this.health = this.#passesLeft > 0 ? 0 : this.#leastUp
        this.#traffic?.clear()
        this.ejectedUntil = null
      }
      if (next === 'maint') this.#startingAt = null
      this.admin = next
    })
    if (before === 'maint' || next === 'maint') this.#schedule(0)
  }

  setWeight(next: number): void {
    this.#change('operator', () => (this.weight = next))
  }

  setMaxSessions(next: number | null): void {
    this.#change('operator', () => (this.maxSessions = next))
  }

  setChecked(next: boolean): void {
    if (this.spec.check === null || next === this.checked) return
    this.checked = next
    this.#schedule(0)
  }

  setUp(up: boolean): void {
    this.#change('operator', () => {
      this.#passesLeft = 0
      this.health = up ? this.#fullHealth : 0
    })
  }

  /** what real traffic learned */
  passed(): void {
    this.#traffic?.passed()
  }

  failed(): void {
    const { passive } = this.spec
    if (passive === null || this.#traffic?.failed() !== true || this.ejectedUntil !== null) return
    const until = this.#context.now() + passive.coolDownMs
    this.#change('traffic', () => (this.ejectedUntil = until))
    this.#context.wheel.after(passive.coolDownMs, () => {
      if (this.ejectedUntil !== until) return
      this.#traffic?.clear()
      this.#change('time', () => (this.ejectedUntil = null))
    })
  }

  /** no more checks, no more events */
  stop(): void {
    this.#stopped = true
    this.#cancelCheck?.()
  }

  /** Every change of state goes through here. */
  #change(cause: ServerEvent['cause'], apply: () => void): void {
    const was = this.condition
    const wasUp = this.up && this.admin !== 'maint'
    apply()
    if (this.#stopped) return
    if (!wasUp && this.up && this.admin !== 'maint' && this.spec.slowStartMs > 0) this.#beginSlowStart()
    const is = this.condition
    if (is !== was) {
      if (isOut(was)) this.#downtimeMs += this.#context.now() - this.lastChangeAt
      if (is === 'down') this.timesDown += 1
      this.lastChangeAt = this.#context.now()
    }
    this.#context.changed()
    if (is !== was) this.#context.emit({ server: this, was, is, cause, at: this.lastChangeAt })
  }

  #beginSlowStart(): void {
    const { now, wheel, changed } = this.#context
    const { slowStartMs } = this.spec
    const began = now()
    this.#startingAt = began
    const step = (): void => {
      if (this.#stopped || this.#startingAt !== began) return
      if (now() - began >= slowStartMs) return this.#change('time', () => (this.#startingAt = null))
      changed()
      wheel.after(slowStartMs / slowStartSteps, step)
    }
    wheel.after(slowStartMs / slowStartSteps, step)
  }

  #schedule(ms: number): void {
    this.#cancelCheck?.()
    this.#cancelCheck = null
    if (this.spec.check === null || this.#stopped || !this.checked || this.admin === 'maint') return
    this.#cancelCheck = this.#context.wheel.after(ms, () => void this.#run())
  }

  async #run(): Promise<void> {
    const { check } = this.spec
    if (check === null) return
    this.#cancelCheck = null
    const result = await this.#context.probe(check, this)
    // Switched off while the question was on its way: the answer is of no interest. Switched off and on: another is under way.
    if (this.#stopped || !this.checked || this.admin === 'maint' || this.#cancelCheck !== null) return
    this.#change('check', () => this.#judge(result))
    const settled = this.health === 0 || this.health === this.#fullHealth
    const interval = this.up ? check.intervalMs : (check.downIntervalMs ?? check.intervalMs)
    this.#schedule(settled ? interval : (check.fastIntervalMs ?? interval))
  }

  #judge(result: CheckResult): void {
    const { check, warmUpPasses } = this.spec
    if (check === null) return
    this.lastCheck = result
    this.degraded = result.degraded
    if (this.#passesLeft > 0) {
      this.#passesLeft = result.passed ? this.#passesLeft - 1 : warmUpPasses
      if (this.#passesLeft === 0) this.health = this.#fullHealth
      return
    }
    if (!result.passed && this.up) this.failedChecks += 1
    this.health = nextHealth(this.health, result.passed, check)
  }
}
