/** The thread in which the console probes. Started by run-in-thread.ts, told by letters as any prober is; `f` stands for the end of its input. */
import { parentPort, workerData } from 'node:worker_threads'
import { startConsoleProber } from './console-prober.ts'
import type { ProbeArgs } from './program-lines.ts'

const port = parentPort
if (port === null) throw new Error('This file is a thread of the console and does nothing by itself.')

/** A message for each probe would cost the console's own thread as much as the probe. */
const gatherMs = 50
let lines: string[] = []
let timer: NodeJS.Timeout | null = null

function flush(): void {
  if (timer !== null) clearTimeout(timer)
  timer = null
  port?.postMessage(lines)
  lines = []
}

const prober = startConsoleProber(
  workerData as ProbeArgs,
  (line) => {
    lines.push(line)
    timer ??= setTimeout(flush, gatherMs)
  },
  () => {
    flush()
    port.close()
  },
)
port.on('message', (letter: string) => {
  if (letter === 't') {
    prober.sayTime()
    flush()
  } else prober.finish()
})
