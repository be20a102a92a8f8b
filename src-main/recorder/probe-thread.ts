/** The thread in which the console probes. Started by run-in-thread.ts, told by letters as any prober is; `f` stands for the end of its input. */
import { parentPort, workerData } from 'node:worker_threads'
import { startConsoleProber } from './console-prober.ts'
import type { ProbeArgs } from './program-lines.ts'

const port = parentPort
if (port === null) throw new Error('This file is a thread of the console and does nothing by itself.')
const prober = startConsoleProber(
  workerData as ProbeArgs,
  (line) => port.postMessage(line),
  () => port.close(),
)
port.on('message', (letter: string) => {
  if (letter === 't') prober.sayTime()
  else prober.finish()
})
