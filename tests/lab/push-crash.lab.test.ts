import { cpSync } from 'node:fs'
import { resolve } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { NodeId } from '#contract'
import { exhaustive } from '../exhaustive.ts'
import { makeWorkplace, openConsole, type Workplace } from './console-on-lab.ts'
import { describeLab } from './describe-lab.ts'
import { ensureLab, type Lab } from './lab.ts'
import { ended, faultsOf, fileFor, onDisk, withWeight, withoutCapacity, type Request } from './push-exercise.ts'
import { tryRun, waitUntil } from './run.ts'

/*
 * A console that is killed while it pushes. What is pushed are weights, by which a running HAProxy tells which file it has read. Three points
 * are tried always; EVENKEEL_EXHAUSTIVE=1 takes every point that a push passes, in every course it can take.
 */

const child = resolve(import.meta.dirname, 'push-child.ts')
const watchMs = 3000
/** a machine three times as slow gets through in that time */
const guardMs = 25_000

let lab: Lab
/** A data folder into which the inventory was imported; every case works on a copy of it. */
let template: Workplace
let weight = 10

/** A course that a push can take on a node, or on two. */
const courses = {
  good: { first: 'heavier', last: null, since: 'push.started' },
  /** is taken back, since it serves worse */
  worse: { first: 'smaller', last: null, since: '* is restoring' },
  /** the second node serves worse, so the first one, which was done, is taken back */
  undone: { first: 'heavier', last: 'smaller', since: '* journaled done (2)' },
} as const
type Course = keyof typeof courses

interface Lane {
  /** as a push takes them: the standby first */
  nodes: [NodeId, ...NodeId[]]
  /** `nobody`: until the guard has acted, no console comes */
  cases: { course: Course; point: string; next: 'console' | 'nobody' }[]
}

async function requestFor(nodes: readonly string[], course: Course): Promise<Request> {
  const { first, last } = courses[course]
  const next = ++weight
  const change = { heavier: (text: string) => withWeight(text, next), smaller: withoutCapacity }
  const files = [first, ...(last === null ? [] : [last])].map((how, at) => fileFor(lab, nodes[at] ?? '', change[how]))
  return { files: await Promise.all(files), reason: 'crash test', watchMs, guardMs }
}

/** Runs a console that pushes, until it ends or is killed. Answers the points that it passed. */
async function pushUntil(place: Workplace, request: Request, point: string): Promise<string[]> {
  const { home, dataFolder } = place
  const argv = [...place.node, child, home, dataFolder, point] as const
  const { stdout, stderr } = await tryRun([...argv, JSON.stringify(request)], { timeoutMs: 120_000 })
  const points = stdout.trim().split('\n')
  if (point === '') expect(stderr).toBe('')
  else {
    expect(points.at(-1), `the last point it passed\n${stderr}`).toBe(point)
    expect(stderr, 'killed, not stopped').toContain('ended by SIGKILL')
  }
  return points
}

/** Answers what each node has in the end. */
async function check({ nodes }: Lane, { course, point, next }: Lane['cases'][number]): Promise<string> {
  const place = makeWorkplace()
  cpSync(template.dataFolder, place.dataFolder, { recursive: true })
  try {
    const request = await requestFor(nodes, course)
    const before = await Promise.all(request.files.map(({ nodeId }) => onDisk(lab, nodeId)))
    const points = await pushUntil(place, request, point)
    // each confirmation makes what was pushed last the configuration
    const isNew = ({ nodeId }: Request['files'][number]): boolean =>
      points.filter((each) => each.startsWith(`${nodeId} confirmed`)).length % 2 === 1
    const wanted = request.files.map((file, at) => (isNew(file) ? file.text : before[at]))
    if (next === 'nobody') {
      await waitUntil('the guard has put back what was there before', guardMs + 30_000, async () => {
        const [text, faults] = [await onDisk(lab, nodes[0]), await faultsOf(lab, nodes[0])]
        return text === wanted[0] && faults.every((fault) => fault.startsWith('left over'))
      })
    }
    const console = await openConsole(place)
    try {
      const [push] = await console.client.call('push.list', { limit: 1 })
      expect(push === undefined, 'there is no push only where it had not been written down').toBe(point === 'push.started')
      if (push !== undefined) {
        const { state, targets } = await ended(console, push.id)
        expect(state).toBe('interrupted')
        expect(
          targets.map(({ phase }) => phase === 'done'),
          targets.map(({ said }) => said).join(),
        ).toEqual(targets.map(({ nodeId }) => request.files.some((file) => file.nodeId === nodeId && isNew(file))))
        const told = await console.client.call('history.list', { limit: 10, subject: push.id })
        expect(told.map(({ kind }) => kind).sort(), 'told once').toEqual(['push.ended', 'push.started'])
      }
      const jobs = await console.client.call('job.list', { limit: 10 })
      expect(jobs.filter(({ state }) => state !== 'ended')).toEqual([])
      expect(await console.client.call('push.standing', { nodes: [...nodes] })).toEqual([])
    } finally {
      await console.close()
    }
    for (const [at, { nodeId }] of request.files.entries()) {
      expect(await onDisk(lab, nodeId), nodeId).toBe(wanted[at])
      expect(await faultsOf(lab, nodeId), nodeId).toEqual([])
    }
    return request.files.map((file) => `${file.nodeId} ${isNew(file) ? 'new' : 'old'}`).join(', ')
  } finally {
    place.clear()
  }
}

const lanes: Lane[] = [
  {
    nodes: ['lb2', 'lb1'] as [NodeId, NodeId],
    cases: [{ course: 'undone', point: 'lb2 reload leaving (2)', next: 'console' }],
  },
  { nodes: ['lb3' as NodeId], cases: [{ course: 'good', point: 'lb3 file replaced', next: 'nobody' }] },
  { nodes: ['lb4' as NodeId], cases: [{ course: 'good', point: 'lb4 is watching', next: 'console' }] },
]

/** Every point of every course: the single nodes share theirs, the pair does what only a pair can do. */
async function everyCase(lane: Lane, index: number): Promise<Lane['cases']> {
  const cases: Lane['cases'] = []
  const single = lanes.filter(({ nodes }) => nodes.length === 1)
  for (const course of lane.nodes.length > 1 ? (['undone'] as const) : (['good', 'worse'] as const)) {
    const place = makeWorkplace()
    cpSync(template.dataFolder, place.dataFolder, { recursive: true })
    const points = await pushUntil(place, await requestFor(lane.nodes, course), '')
    place.clear()
    const own = points.slice(points.indexOf(courses[course].since.replace('*', lane.nodes[0])))
    const mine = course === 'undone' ? own : own.filter((_, at) => at % single.length === index % single.length)
    cases.push(...mine.map((point) => ({ course, point, next: 'console' as const })))
  }
  return [...cases, ...lane.cases]
}

describeLab('a console that is killed at each step of a push', () => {
  beforeAll(async () => {
    lab = await ensureLab()
    await lab.restoreAll()
    // an ordinary account, which may do all by sudo
    await lab.exec('lb4', ['sh', '-c', "echo 'ops ALL=(root) NOPASSWD: ALL' > /etc/sudoers.d/push"])
    template = makeWorkplace()
    const imported = await template.evenkeel('inventory', 'import', lab.inventoryFile)
    expect(imported, imported.stderr).toMatchObject({ code: 0 })
  })
  afterAll(async () => {
    template.clear()
    await lab.exec('lb4', ['rm', '-f', '/etc/sudoers.d/push'])
    await lab.restoreAll()
  })

  it.concurrent.each(lanes.map((lane, index) => ({ ...lane, index })))(
    'to $nodes: the node has one whole configuration in force, and the next console knows which',
    async ({ index, ...lane }) => {
      const cases = exhaustive ? await everyCase(lane, index) : lane.cases
      const failures: string[] = []
      for (const each of cases) {
        const said = await check(lane, each).catch((error: Error) => (failures.push(error.message), error.message))
        if (exhaustive) process.stdout.write(`| ${each.course} | ${each.point} | ${each.next} | ${said} |\n`)
      }
      expect(failures).toEqual([])
    },
    exhaustive ? 1_800_000 : 120_000,
  )
})
