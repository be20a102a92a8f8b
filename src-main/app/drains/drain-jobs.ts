import * as v from 'valibot'
import type { DrainPlace, DrainRecord, JobId, JobView, NodeId } from '#contract'
import { AppError } from '../app-error.ts'
import { newJobId, nodesOf } from '../jobs/job-row.ts'
import type { JobRunner } from '../jobs/job-runner.ts'
import { restoreKind, setStateKind, type SetStateInput } from '../operations/server-state.ts'
import type { ServerTarget } from '../operations/server-targets.ts'
import { ShutdownIntent, shutdownKind } from '../operations/shutdown-sessions.ts'
import type { JobRow } from '../ports/store.ts'
import type { DrainBook } from './drain-book.ts'

export type DrainJobs = ReturnType<typeof createDrainJobs>

/** The jobs of drains. At most one of a drain is under way on a node; a job that an earlier process left counts as well. */
export function createDrainJobs({
  book,
  jobs,
  row,
  unfinished,
}: {
  book: DrainBook
  jobs: () => JobRunner
  row: (id: JobId) => JobRow | null
  unfinished: () => JobRow[]
}) {
  /**
   * The drain knows the job before there is one: a process that is killed in between leaves no job that nobody looks after.
   * @throws AppError `job.conflict` when another job holds one of the nodes
   */
  function start(drain: DrainRecord, kind: string, input: unknown, undoes?: JobId): void {
    const id = newJobId()
    drain.jobs.push(id)
    book.save(drain)
    const by = { id, requestedBy: drain.owner, reason: drain.reason, ...(undoes === undefined ? {} : { undoes }) }
    try {
      jobs().start(kind, input, by)
    } catch (thrown) {
      drain.jobs.pop()
      throw thrown
    }
  }

  return {
    /** the nodes on which a job of this drain is under way */
    busyNodes: ({ jobs: ids }: DrainRecord): Set<NodeId> =>
      new Set(unfinished().flatMap((job) => (ids.includes(job.id) ? nodesOf(job) : []))),
    row,
    /** @throws AppError `job.conflict` while a job holds one of the nodes */
    assertFree(nodes: readonly NodeId[]): void {
      for (const job of unfinished()) {
        const held = nodesOf(job).find((nodeId) => nodes.includes(nodeId))
        if (held === undefined) continue
        throw new AppError('job.conflict', `${held} is held by the job "${job.title}". Wait for it, or cancel it.`, {
          details: { job: job.id, node: held },
        })
      }
    },
    /** A job that waits for one node is not waited for: the drain looks at each of its places itself. */
    async abandon({ id }: JobView): Promise<void> {
      await jobs().settled(id)
      jobs().abandon(id)
    },
    set(drain: DrainRecord, state: SetStateInput['state'], places: readonly DrainPlace[]): void {
      start(drain, setStateKind, { state, targets: places.map(targetOf) })
    },
    restore(drain: DrainRecord, places: readonly DrainPlace[]): void {
      const targets = places.flatMap((place) => (place.before === null ? [] : [{ ...targetOf(place), before: place.before }]))
      if (targets.length > 0) start(drain, restoreKind, { targets }, drain.jobs[0])
    },
    shutdown(drain: DrainRecord, places: readonly DrainPlace[]): void {
      start(drain, shutdownKind, { targets: places.map(targetOf) })
    },
  }
}

function targetOf({ serverId, nodeId, balancer, pool, server }: DrainPlace): ServerTarget {
  return { serverId, nodeId, balancer, pool, server }
}

/** How many sessions a job has shut down. */
export function cutBy(job: JobRow | null): number {
  const done = job?.steps.filter(({ state }) => state === 'done') ?? []
  const counts = done.map(({ intent }) => v.safeParse(ShutdownIntent, intent))
  return counts.reduce((total, count) => total + (count.success ? count.output.sessions : 0), 0)
}
