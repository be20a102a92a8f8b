import { UnexpectedReply } from './unexpected-reply.ts'

/** One worker in `show proc` on the master socket. */
export interface WorkerProcess {
  pid: number
  generation: 'current' | 'old'
  uptimeS: number
}

/**
 * Sections are headed by `# workers`, `# old workers` (absent when there are none) and `# programs` (2.6.12). The master itself
 * stands before the first section.
 */
export function parseShowProc(text: string): WorkerProcess[] {
  if (!text.startsWith('#<PID>')) throw new UnexpectedReply('The reply to "show proc" has no header line.', text)
  const workers: WorkerProcess[] = []
  let generation: WorkerProcess['generation'] | null = null
  for (const line of text.split('\n')) {
    if (line.startsWith('#')) generation = line === '# workers' ? 'current' : line === '# old workers' ? 'old' : null
    else if (generation !== null && line !== '') workers.push(workerFrom(line, generation, text))
  }
  return workers
}

function workerFrom(line: string, generation: WorkerProcess['generation'], text: string): WorkerProcess {
  const match = /^(\d+)\s+worker\s+\d+\s+(\d+)d(\d+)h(\d+)m(\d+)s\s/.exec(line)
  if (match === null) throw new UnexpectedReply(`A line of "show proc" is not a worker: ${JSON.stringify(line)}.`, text)
  const [pid = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = match.slice(1).map(Number)
  return { pid, generation, uptimeS: ((days * 24 + hours) * 60 + minutes) * 60 + seconds }
}
