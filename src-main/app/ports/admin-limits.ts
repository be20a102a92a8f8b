import type { CommandRecord } from '#contract'
import type { CallLimits } from './node-session.ts'

/** Whatever changes a node tells of every command, exactly as sent. */
export interface AdminLimits extends CallLimits {
  record: (command: Omit<CommandRecord, 'nodeId'>) => void
}
