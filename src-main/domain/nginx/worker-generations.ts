/** One nginx process as /proc tells it. */
export interface NginxProcess {
  pid: number
  parentPid: number
  uptimeS: number | null
  /** argv as the process shows it, e.g. `nginx: worker process`; see titleFromCmdline */
  title: string
}

export interface WorkerProcess {
  pid: number
  generation: 'current' | 'old'
  uptimeS: number | null
}

/** nginx overwrites its argv with the title and pads the rest with NUL (1.22.1): cut at the padding, join what argv is left. */
export function titleFromCmdline(cmdline: string): string {
  return cmdline.replace(/\0+$/, '').replaceAll('\0', ' ').trim()
}

/** Workers of one master. A worker that is shutting down belongs to an older configuration and still serves its connections. */
export function workersOf(masterPid: number, processes: readonly NginxProcess[]): WorkerProcess[] {
  return processes.flatMap(({ pid, parentPid, title, uptimeS }) => {
    if (parentPid !== masterPid || !title.startsWith('nginx: worker process')) return []
    return [{ pid, uptimeS, generation: title.includes('shutting down') ? 'old' : 'current' }]
  })
}

/**
 * True when a configuration was loaded since the generation of the `known` workers: none of them is current any more. A worker
 * that crashed and was started again leaves the others in place and is no new generation.
 */
export function isNewGeneration(known: readonly number[], workers: readonly WorkerProcess[]): boolean {
  const current = workers.filter((worker) => worker.generation === 'current')
  return current.length > 0 && !current.some((worker) => known.includes(worker.pid))
}

/**
 * The workers of a generation after some of them crashed and were started again. For about 100 ms of a reload the workers of two
 * generations look the same (1.22.1: the old ones get their new title after the new ones have started): then there are more than
 * before, or some already go, and nobody joins.
 */
export function generationAfter(known: readonly number[], workers: readonly WorkerProcess[]): number[] {
  const current = workers.filter((worker) => worker.generation === 'current').map((worker) => worker.pid)
  const reloading = workers.some((worker) => worker.generation === 'old' && known.includes(worker.pid))
  return reloading || current.length !== known.length ? [...known] : current
}

/** What the master was started with, read back from its title. Arguments were joined by spaces, so a path with ` -x ` in it is lost. */
export interface MasterCommand {
  binary: string
  prefix: string | null
  config: string | null
}

export function masterCommandFrom(title: string): MasterCommand | null {
  const line = /^nginx: master process (.+)$/.exec(title)?.[1]
  if (line === undefined) return null
  const option = (letter: string): string | null =>
    new RegExp(` -${letter} ?(.+?)(?= -[a-zA-Z]( |$)|$)`).exec(line)?.[1]?.trim() ?? null
  return { binary: line.split(' ')[0] ?? 'nginx', prefix: option('p'), config: option('c') }
}
