import type { TestProject } from 'vitest/node'
import { currentInstance, type Instance } from './instance.ts'
import { isUp } from './lab.ts'
import { takeLock } from './lock.ts'
import { whyNoLab } from './requirements.ts'
import { down, up } from './up-down.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** why there is no lab, null when there is one */
    labSkipped: string | null
  }
}

/** What one vitest process has done for its projects; each of them runs this file, in a module instance of its own. */
interface Session {
  users: number
  startedHere: Instance | null
  release: () => Promise<void>
}
const sessionKey = Symbol.for('evenkeel.lab.session')
const shared = globalThis as { [sessionKey]?: Promise<Session> }

/**
 * Global set-up of the projects `lab` and `e2e`: a lab that runs is used as it is, otherwise one is brought up and taken down again
 * at the end. One test run at a time: a second one waits, since both would stop and start the same daemons.
 */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const reason = await whyNoLab({ browser: project.name === 'e2e' })
  project.provide('labSkipped', reason)
  if (reason !== null) {
    if (process.env['LAB'] === 'required') throw new Error(`LAB=required, but: ${reason}`)
    console.warn(`\nSkipped: the tests of project "${project.name}". ${reason}\n`)
    return undefined
  }
  shared[sessionKey] ??= begin()
  const session = await shared[sessionKey]
  session.users += 1
  return async () => {
    session.users -= 1
    if (session.users > 0) return
    delete shared[sessionKey]
    if (session.startedHere) await down(session.startedHere)
    await session.release()
  }
}

async function begin(): Promise<Session> {
  const instance = currentInstance()
  const release = await takeLock(`${instance.name}/tests`, 600_000, (holder) => {
    console.warn(`\nWaiting for the lab ${instance.name}, which is in use by ${holder}.\n`)
  })
  try {
    const running = isUp(instance)
    if (!running) await up(instance, { systemd: false })
    return { users: 0, startedHere: running ? null : instance, release }
  } catch (error) {
    await release()
    throw error
  }
}
