import type { Clock } from '../app/ports/clock.ts'
import type { Recorder } from '../app/ports/recorder.ts'
import { parseAdvert, probeArgs } from './program-lines.ts'
import { createRecording } from './recording.ts'
import { runInThread } from './run-in-thread.ts'
import { runOnNode } from './run-on-node.ts'
import { createAddressFollower } from './address-follower.ts'
import { startWithClock } from './with-clock.ts'

export function createRecorder({ clock }: { clock: Clock }): Recorder {
  /** milliseconds since the epoch with fractions, which do not jump when the machine's clock is set meanwhile */
  function steadyNow(): () => number {
    const epochMs = clock.now() - clock.monotonic()
    return () => epochMs + clock.monotonic()
  }

  return {
    async start({ target, from, maxMs, signal }) {
      const args = probeArgs(target)
      const recording = createRecording()
      const program = await startWithClock(
        (onLine) => {
          const how = { maxMs, signal, onLine }
          return from === 'console' ? runInThread(args, how) : runOnNode(from, 'probe', args, how)
        },
        steadyNow(),
        recording.onLine,
      )
      return recording.of(program)
    },

    async watch({ session, addresses, listener, onAdvert, maxMs, signal }) {
      const follower = createAddressFollower(addresses, listener)
      let answers = 0
      let answered = (): void => undefined
      const program = await startWithClock(
        (onLine) => runOnNode(session, 'watch', [], { maxMs, signal, onLine }),
        steadyNow(),
        (kind, words, offsetMs) => {
          const at = Number(words[0]) / 1000 - offsetMs
          const advert = kind === 'v' ? parseAdvert(at, words) : null
          if (advert !== null) onAdvert(advert)
          if (kind !== 'n') return
          answers += follower.note(at, Buffer.from(words[1] ?? '', 'hex'))
          answered()
        },
      )
      let stopped = false
      const lost = program.ended.then((error) => error ?? new Error('The watch ended by itself: its time was up.'))
      // the kernel answers one question at a time
      for (const [index, question] of ['a', 'n'].entries()) {
        const answer = new Promise<void>((resolve) => {
          answered = () => {
            if (answers > index) resolve()
          }
        })
        program.tell(question)
        const error = await Promise.race([answer.then(() => null), lost])
        if (error !== null) throw error
      }
      return {
        clock: program.clock,
        lost: new Promise((resolve) => void lost.then((error) => !stopped && resolve(error))),
        async stop() {
          stopped = true
          program.finish()
          await program.ended
        },
      }
    },
  }
}
