import { AppError } from '../../app/app-error.ts'
import type { NodeFacts } from '../../app/ports/driver.ts'
import type { CallLimits, NodeSession } from '../../app/ports/node-session.ts'
import { run } from './run.ts'

/** Whether the account may write files as root, which takes a shell: tried with one that does nothing. */
export async function mayEditFiles(session: NodeSession, facts: NodeFacts, limits: CallLimits): Promise<boolean> {
  if (facts.sudo === 'root') return true
  if (facts.sudo !== 'available') return false
  try {
    const result = await run(session, ['sh', '-c', ':'], { ...limits, privileged: true, maxBytes: 1024 })
    return result.code === 0
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code === 'exec.not-permitted') return false
    throw thrown
  }
}
