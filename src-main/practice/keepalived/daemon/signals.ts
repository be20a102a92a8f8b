import type { SignalName } from '../../machine/machine.ts'

/** keepalived 2.2.7 asks with real-time signals where the ordinary ones are used up; Linux counts them from 34. */
export const jsonSignal: SignalName = 'RTMIN+2'
export const statsClearSignal: SignalName = 'RTMIN+29'

/** `--signum=NAME` */
export const signalNumbers: Readonly<Record<string, number>> = {
  STOP: 15,
  RELOAD: 1,
  DATA: 10,
  STATS: 12,
  STATS_CLEAR: 63,
  JSON: 36,
}
