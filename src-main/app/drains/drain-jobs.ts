import * as v from 'valibot'
import type { DrainPlace, DrainRecord, JobId } from '#contract'
import type { JobRunner } from '../jobs/job-runner.ts'
import { restoreKind, setStateKind, type SetStateInput } from '../operations/server-state.ts'
import type { ServerTarget } from '../operations/server-targets.ts'
import { ShutdownIntent, shutdownKind } from '../operations/shutdown-sessions.ts'
import type { JobRow } from '../ports/store.ts'

export type DrainJobs = ReturnType<typeof createDrainJobs>

/** The jobs of drains. At most one of a drain is under way; a job that an earlier process left counts as well. */
export function createDrainJobs({ jobs, row }: { jobs: () => JobRunner; row: (id: JobId) => JobRow | null }) {
  /** @throws AppError `job.conflict` when another job holds one of the nodes */
  function start(drain: DrainRecord, kind: string, input: unknown, undoes?: JobId): void {
    const by = { requestedBy: drain.owner, reason: drain.reason, ...(undoes === undefined ? {} : { undoes }) }
    drain.jobs.push(jobs().start(kind, input, by))
  }

  return {
    isUnderWay({ jobs: ids }: DrainRecord): boolean {
      const last = ids.at(-1)
      return last !== undefined && row(last)?.state !== 'ended'
    },
    row,
    /** Answers whether there was anything to do. */
    set(drain: DrainRecord, state: SetStateInput['state'], places: readonly DrainPlace[]): boolean {
      if (places.length === 0) return false
      start(drain, setStateKind, { state, targets: places.map(targetOf) })
      return true
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
