import type { Machine } from '../../machine/machine.ts'
import type { TrackScript } from '../config/settings.ts'
import type { DaemonLog } from './daemon-log.ts'
import type { EventLoop } from './event-loop.ts'
import { runScript } from './run-script.ts'

export interface ScriptStatus {
  /** null: not run yet */
  isGood: boolean | null
  /** keepalived's counter: below `rise` bad, from there on good */
  result: number
  isRunning: boolean
}

/**
 * Runs a vrrp_script every `interval`. The first result counts at once, later ones after `rise` or `fall` in a row. `decided` is called with
 * each verdict, and at once with null or with what was known before a reload.
 */
export function watchScript(
  parts: { script: TrackScript; machine: Machine; loop: EventLoop; log: DaemonLog; known: ScriptStatus | null },
  decided: (isGood: boolean | null) => void,
): { status: ScriptStatus; stop(): void } {
  const { script, machine, loop, log, known } = parts
  const { name, rise, fall } = script
  const isKnown = known?.isGood ?? null
  const status: ScriptStatus = {
    isGood: isKnown,
    result: isKnown === true ? rise + fall - 1 : isKnown === false ? 0 : rise,
    isRunning: false,
  }
  if (isKnown !== null) log(`VRRP_Script(${name}) considered ${isKnown ? 'successful' : 'unsuccessful'} on reload`)
  let lastCode: number | null = 0
  let running: AbortController | null = null
  let hasEnded = false
  let cancel = (): void => undefined

  function ended(code: number | null): void {
    if (code !== null && code !== lastCode) log(`Script \`${name}\` now returning ${code}`)
    if (code !== null) lastCode = code
    const isGood = code === 0
    const before = status.isGood
    if (before === null) status.result = isGood ? rise + fall - 1 : 0
    else if (isGood) status.result = status.result === rise - 1 ? rise + fall - 1 : Math.min(rise + fall - 1, status.result + 1)
    else status.result = status.result === rise ? 0 : Math.max(0, status.result - 1)
    status.isGood = status.result >= rise
    if (status.isGood === before) return
    log(
      `VRRP_Script(${name}) ${status.isGood ? 'succeeded' : code === null ? 'timed_out' : `failed (exited with status ${code})`}`,
    )
    decided(status.isGood)
  }

  function run(): void {
    cancel = loop.after(script.intervalS * 1000, run)
    if (running !== null) return log(`Track script ${name} is already running, expect idle - skipping run`)
    const controller = new AbortController()
    running = controller
    status.isRunning = true
    const finish = (code: number | null): void =>
      loop.post(() => {
        if (running !== controller) return
        stopTimeout()
        running = null
        status.isRunning = false
        if (!hasEnded) ended(code)
      })
    const stopTimeout = loop.after((script.timeoutS || script.intervalS) * 1000, () => {
      finish(null)
      controller.abort()
    })
    void runScript(machine, script.argv, controller.signal).then(finish)
  }
  decided(isKnown)
  cancel = loop.after(0, run)
  return {
    status,
    stop() {
      hasEnded = true
      cancel()
      running?.abort()
    },
  }
}
