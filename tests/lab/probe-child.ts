/**
 * The console's own prober in a place where it can reach a virtual address: started by recorder.lab.test.ts in the client's network.
 * Probes until its input ends, then prints what it recorded and how far this machine itself was late at worst.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { createRecorder } from '../../src-main/recorder/create-recorder.ts'
import { systemClock } from '../../src-main/system-clock.ts'

const host = process.argv[2]
if (host === undefined) throw new Error('usage: probe-child.ts ADDRESS')
const delay = monitorEventLoopDelay({ resolution: 5 })
delay.enable()
const recording = await createRecorder({ clock: systemClock }).start({
  target: { host, port: 80, kind: 'http', path: '/', everyMs: 20, timeoutMs: 1000 },
  from: 'console',
  maxMs: 300_000,
  signal: new AbortController().signal,
})
process.stdout.write('ready\n')
process.stdin.resume()
process.stdin.once('end', () => {
  delay.disable()
  void recording
    .stop()
    .then((recorded) => process.stdout.write(`${JSON.stringify({ ...recorded, lateMs: delay.max / 1e6 - 5 })}\n`))
})
