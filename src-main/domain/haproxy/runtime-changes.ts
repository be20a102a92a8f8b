import type { ConfigChange, RuntimeStep } from '#contract'
import { nameFault, setStateCommand, setWeightCommand } from './runtime-command.ts'

/** The changes as steps that a running HAProxy takes; null when one of them needs a reload, or has a name that no command can carry. */
export function runtimeSteps(changes: readonly ConfigChange[]): RuntimeStep[] | null {
  const steps = changes.map(({ impact, what, subject, after }): RuntimeStep | null => {
    const slash = subject.indexOf('/')
    const [pool, server] = [subject.slice(0, Math.max(slash, 0)), subject.slice(slash + 1)]
    if (impact !== 'runtime' || after === null || nameFault(pool) !== null || nameFault(server) !== null) return null
    if (what === 'server.weight') return { pool, server, weight: Number(after) }
    if (what === 'server.disabled') return { pool, server, state: after === 'yes' ? 'maint' : 'ready' }
    return null
  })
  const able = steps.filter((step) => step !== null)
  return able.length > 0 && able.length === steps.length ? able : null
}

export function commandOf(step: RuntimeStep): string {
  // the weight of the file that the process has read is not known here, nor needed: these backends take any number
  return 'weight' in step ? setWeightCommand(step, step.weight, NaN) : setStateCommand(step, step.state)
}
