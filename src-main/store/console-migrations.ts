import type { Migration } from './migrate.ts'
import { fleet } from './migrations/0010-fleet.ts'
import { access } from './migrations/0020-access.ts'
import { jobs } from './migrations/0030-jobs.ts'
import { history } from './migrations/0040-history.ts'
import { lease } from './migrations/0050-lease.ts'
import { drains } from './migrations/0060-drains.ts'
import { versions } from './migrations/0070-versions.ts'
import { configDrafts } from './migrations/0080-config-drafts.ts'
import { pushes } from './migrations/0090-pushes.ts'
import { drills } from './migrations/0100-drills.ts'
import { drillSchedules } from './migrations/0130-drill-schedules.ts'

/** Schema of `console.db`, oldest first. New steps go at the end, in tens. */
export const consoleMigrations: readonly Migration[] = [
  fleet,
  access,
  jobs,
  history,
  lease,
  drains,
  versions,
  configDrafts,
  pushes,
  drills,
  drillSchedules,
]
