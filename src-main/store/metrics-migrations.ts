import type { Migration } from './migrate.ts'
import { samples } from './metrics-migrations/0010-samples.ts'

/** Schema of `metrics.db`, oldest first. */
export const metricsMigrations: readonly Migration[] = [samples]
