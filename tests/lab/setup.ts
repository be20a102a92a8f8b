import type { TestProject } from 'vitest/node'
import { currentInstance, firstUsable, numberOf, type Instance } from './instance.ts'
import { isUp } from './lab.ts'
import { takeLock } from './lock.ts'
import { whyNoLab } from './requirements.ts'
import { down, up } from './up-down.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** why there is no lab, null when there is one */
    labSkipped: string | null
    /** one for each test file that runs at a time */
    labNames: string[]
  }
}

/** What one vitest process has done for its projects; each of them runs this file, in a module instance of its own. */
interface Session {
  users: number
  instances: Instance[]
  end: () => Promise<void>
}
const sessionKey = Symbol.for('evenkeel.lab.session')
const shared = globalThis as { [sessionKey]?: Promise<Session> }

/** Files of the project `lab` that run at a time, each on a lab of its own. They wait far more than they compute. */
const labsBeside = process.env['EVENKEEL_LAB'] === undefined ? 3 : 1

/**
 * Global set-up of the projects `lab` and `e2e`: a lab that runs is used as it is, otherwise one is brought up and taken down again
 * at the end; the others come up with the first test that needs it. One test run at a time: another one waits, since both would stop and
 * start the same daemons.
 */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const reason = await whyNoLab({ browser: project.name === 'e2e' })
  project.provide('labSkipped', reason)
  project.provide('labNames', [])
  if (reason !== null) {
    if (process.env['LAB'] === 'required') throw new Error(`LAB=required, but: ${reason}`)
    console.warn(`\nSkipped: the tests of project "${project.name}". ${reason}\n`)
    return undefined
  }
  shared[sessionKey] ??= begin()
  const session = await shared[sessionKey]
  project.provide(
    'labNames',
    session.instances.map(({ name }) => name),
  )
  session.users += 1
  return async () => {
    session.users -= 1
    if (session.users > 0) return
    delete shared[sessionKey]
    await session.end()
  }
}

async function begin(): Promise<Session> {
  const instances = [currentInstance()]
  while (instances.length < labsBeside) instances.push(firstUsable(Math.max(...instances.map(numberOf)) + 1))
  const taken: (() => Promise<void>)[] = []
  const release = async (): Promise<void> => {
    for (const giveBack of taken) await giveBack()
  }
  try {
    for (const instance of instances) {
      const giveBack = await takeLock(`${instance.name}/tests`, 600_000, (holder) => {
        console.warn(`\nWaiting for the lab ${instance.name}, which is in use by ${holder}.\n`)
      })
      taken.push(giveBack)
    }
    const mine = instances.filter((instance) => !isUp(instance))
    const [first] = instances
    if (first !== undefined && mine.includes(first)) await up(first, { systemd: false })
    const end = async (): Promise<void> => {
      for (const instance of mine) await down(instance)
      await release()
    }
    return { users: 0, instances, end }
  } catch (error) {
    await release()
    throw error
  }
}
