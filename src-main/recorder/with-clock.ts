import type { ClockOffset } from '../app/ports/recorder.ts'
import { createClockEstimate } from './clock-estimate.ts'
import type { Program } from './program.ts'

const firstExchanges = 6
const everyMs = 1000

/**
 * Starts a program whose clock is compared with ours all the while. Resolves when it is known; every other line goes to `onLine`, with
 * the offset as of now.
 * @throws what ended the program before
 */
export async function startWithClock(
  start: (onLine: (line: string) => void) => Program,
  now: () => number,
  onLine: (kind: string, words: readonly string[], offsetMs: number) => void,
): Promise<Program & { clock: () => ClockOffset }> {
  const estimate = createClockEstimate()
  /** lines of before the first exchange wait for it */
  let early: (() => void)[] | null = []
  const asked: number[] = []
  let known = (): void => undefined
  const isKnown = new Promise<void>((resolve) => (known = resolve))

  function ask(): void {
    asked.push(now())
    program.tell('t')
  }
  function hear(theirs: number): void {
    const heardAt = now()
    estimate.note(asked.shift() ?? heardAt, theirs, heardAt)
    if (estimate.exchanges() < firstExchanges) return ask()
    early?.forEach((tell) => tell())
    early = null
    known()
  }
  const program = start((line) => {
    const [kind = '', ...words] = line.split(' ')
    if (kind === 'c') return hear(Number(words[0]) / 1000)
    const tell = (): void => onLine(kind, words, estimate.best().offsetMs)
    if (early === null) tell()
    else early.push(tell)
  })

  ask()
  const failed = await Promise.race([isKnown.then(() => null), program.ended.then((error) => error ?? new Error('It ended.'))])
  if (failed !== null) throw failed
  // one question at a time: a connection that stalls must not be asked more and more
  const timer = setInterval(() => asked.length === 0 && ask(), everyMs)
  timer.unref()
  void program.ended.then(() => clearInterval(timer))
  return { ...program, clock: estimate.best }
}
