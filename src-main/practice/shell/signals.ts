import type { SignalName } from '../machine/machine.ts'

const numbers: Readonly<Record<string, number>> = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  KILL: 9,
  USR1: 10,
  USR2: 12,
  PIPE: 13,
  ALRM: 14,
  TERM: 15,
  CHLD: 17,
  CONT: 18,
  STOP: 19,
  WINCH: 28,
}
/** glibc keeps 32 and 33 for itself */
const rtMin = 34
const rtMax = 64

/** Numbers of signal(7) on x86 and ARM. */
export function signalNumber(name: SignalName): number {
  return name.startsWith('RTMIN+') ? rtMin + Number(name.slice(6)) : (numbers[name] ?? 0)
}

/** `TERM`, `SIGTERM`, `15`, `36`; `0` is null, which only asks. Undefined: a practice machine knows no such signal. */
export function signalFrom(text: string): SignalName | null | undefined {
  if (text === '0') return null
  if (/^\d+$/.test(text)) {
    const number = Number(text)
    if (number >= rtMin && number <= rtMax) return `RTMIN+${number - rtMin}`
    return Object.keys(numbers).find((name) => numbers[name] === number) as SignalName | undefined
  }
  const name = text.toUpperCase().replace(/^SIG/, '')
  if (Object.hasOwn(numbers, name)) return name as SignalName
  return name === 'RTMIN' ? 'RTMIN+0' : /^RTMIN\+([0-9]|[12][0-9]|30)$/.test(name) ? (name as SignalName) : undefined
}
