import { Worker } from 'node:worker_threads'
import type { ProbeArgs } from './program-lines.ts'
import type { Program } from './program.ts'

/** Beside this file as long as it is a source; the build makes one file of it next to the shells. */
const programFile = import.meta.url.endsWith('.ts')
  ? new URL('./probe-thread.ts', import.meta.url)
  : new URL('../probe-thread.js', import.meta.url)

/** The console's own prober. It ends with the console's process at the latest. */
export function runInThread(
  args: ProbeArgs,
  { maxMs, signal, onLine }: { maxMs: number; signal: AbortSignal; onLine: (line: string) => void },
): Program {
  const thread = new Worker(programFile, { workerData: args })
  let error: Error | null = null
  const finish = (): void => thread.postMessage('f')
  const stop = (): void => {
    error ??= signal.reason instanceof Error ? signal.reason : new Error('The probes were cancelled.')
    void thread.terminate()
  }
  const timer = setTimeout(finish, maxMs)
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  thread.on('message', (lines: string[]) => lines.forEach(onLine))
  thread.on('error', (thrown: Error) => (error = thrown))
  const ended = new Promise<Error | null>((resolve) => {
    thread.once('exit', () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', stop)
      resolve(error)
    })
  })
  return { tell: (letter) => thread.postMessage(letter), finish, ended }
}
