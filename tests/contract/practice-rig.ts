import type { NodeFacts } from '../../src-main/app/ports/driver.ts'
import type { NodeSession } from '../../src-main/app/ports/node-session.ts'
import { probeNodeFacts } from '../../src-main/drivers/linux/node-facts.ts'
import type { Machine, Program } from '../../src-main/practice/machine/machine.ts'
import { startPracticeNode } from '../unit/practice/ssh/practice-node.ts'
import { sessionOf } from '../unit/transport/ssh-console.ts'
import type { Undo } from './driver-suite.ts'
import { within } from './local-session.ts'

/** A practice machine with one daemon, reached through the console's own transport; the account `ops` may sudo. */
export interface PracticeRoom {
  readonly machine: Machine
  readonly session: NodeSession
  readonly facts: NodeFacts
  /** a shell script, as root on the machine itself; rejects unless it exits with 0 */
  run(script: string): Promise<void>
  signal(name: 'STOP' | 'CONT' | 'KILL'): Promise<void>
  /** Moves the program away. */
  uninstall(): Promise<Undo>
  exists(path: string): Promise<boolean>
  close(): Promise<void>
}

export async function openPracticeRoom(
  daemon: string,
  program: Program,
  files: Record<string, string>,
  account: 'ops' | 'root' = 'ops',
): Promise<PracticeRoom> {
  const node = await startPracticeNode()
  const { machine } = node
  const path = `/usr/sbin/${daemon}`
  machine.programs.install(path, program)
  for (const [file, text] of Object.entries(files)) {
    machine.files.makeDirectory(file.slice(0, file.lastIndexOf('/')), { parents: true })
    machine.files.write(file, text)
  }
  const session = await sessionOf(await node.console(account))
  async function run(script: string): Promise<void> {
    const { code, stderr } = await machine.run(['/bin/sh', '-ec', script])
    if (code !== 0) throw new Error(`"${script}" ended with ${code}: ${stderr}`)
  }
  return {
    ...{ machine, session, run },
    facts: await probeNodeFacts(session, within(10_000)),
    signal: (name) => run(`pkill -${name} -x ${daemon}`),
    async uninstall() {
      machine.files.rename(path, `${path}.away`)
      return async () => machine.files.rename(`${path}.away`, path)
    },
    exists: async (file) => machine.files.exists(file),
    close: () => node.close(),
  }
}
