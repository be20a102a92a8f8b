import type { ClockOffset, HeldConnection, RecordedProbe, Recording } from '../app/ports/recorder.ts'
import { parseHeld, parseProbe } from './program-lines.ts'
import type { Program } from './program.ts'

/** Gathers what a prober says. */
export function createRecording() {
  const probes: RecordedProbe[] = []
  const held: HeldConnection[] = []
  const listeners = new Set<(probe: RecordedProbe) => void>()

  return {
    onLine(kind: string, words: readonly string[], offsetMs: number): void {
      if (kind === 'h') held.push(parseHeld(words, offsetMs))
      if (kind !== 'p') return
      const probe = parseProbe(words, offsetMs)
      probes.push(probe)
      for (const listener of listeners) listener(probe)
    },

    of({ finish, ended, clock }: Program & { clock: () => ClockOffset }): Recording {
      let stopped = false
      return {
        clock,
        onProbe(listener) {
          listeners.add(listener)
          return () => listeners.delete(listener)
        },
        lost: new Promise((resolve) => {
          void ended.then((error) => {
            if (!stopped) resolve(error ?? new Error('The probes ended by themselves: their time was up.'))
          })
        }),
        async stop() {
          stopped = true
          finish()
          await ended
          probes.sort((one, other) => one.at - other.at)
          return { probes, clock: clock(), held }
        },
      }
    },
  }
}
