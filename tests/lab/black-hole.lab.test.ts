import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import type { FleetSnapshot } from '#contract'
import { cellOf, makeWorkplace, nodeOf, openConsole, pollMs, type ConsoleOnLab, type Workplace } from './console-on-lab.ts'
import { describeLab } from './describe-lab.ts'
import { ensureLab, type Lab } from './lab.ts'
import { waitUntil } from './run.ts'

const orders1 = 'core/haproxy/be_orders/orders1'
const others = ['lb1', 'lb2', 'lb4']
let lab: Lab
let place: Workplace
let application: ConsoleOnLab

const readAt = (snapshot: FleetSnapshot, node: string): number =>
  nodeOf(snapshot, node).services.find(({ kind }) => kind === 'haproxy')?.readAt ?? 0
const saysUp = (snapshot: FleetSnapshot, node: string): boolean => cellOf(snapshot, orders1, node)?.state === 'up'

/** Looks until something is true, and keeps the greatest age that any reading of the other nodes had meanwhile. */
async function watchUntil(what: string, timeoutMs: number, isTrue: (now: FleetSnapshot) => boolean) {
  let oldestMs = 0
  let now = await application.snapshot()
  await waitUntil(what, timeoutMs, async () => {
    now = await application.snapshot()
    for (const node of others) oldestMs = Math.max(oldestMs, Date.now() - readAt(now, node))
    return isTrue(now)
  })
  return { now, oldestMs }
}

/** Nothing answers and nothing refuses: the packets of one node vanish. */
describeLab('a node that falls into a black hole', () => {
  beforeAll(async () => {
    lab = await ensureLab()
    await lab.restoreAll()
    place = makeWorkplace()
    expect(await place.evenkeel('inventory', 'import', lab.inventoryFile)).toMatchObject({ code: 0 })
    application = await openConsole(place)
  })
  afterEach(() => lab.restoreAll())
  afterAll(async () => {
    await application.close()
    place.clear()
  })

  it('turns unknown with the reason and its last age, slows nobody down, and comes back by itself', async () => {
    await watchUntil('both balancers say up', 20_000, (now) => saysUp(now, 'lb3') && saysUp(now, 'lb4'))
    await watchUntil('all are read', 20_000, (now) => others.every((node) => readAt(now, node) > 0))
    const cutAt = Date.now()
    await lab.cutCable('lb3', 'management')

    const lost = await watchUntil('lb3 is unknown', 30_000, (now) => cellOf(now, orders1, 'lb3')?.state === 'unknown')
    const { connection, services } = nodeOf(lost.now, 'lb3')
    const reasons = [connection.error, ...services.map(({ error }) => error)].flatMap((error) => error?.message ?? [])
    expect(reasons.length, 'a reason is given').toBeGreaterThan(0)
    expect(reasons.join('\n')).toMatch(/lb3|198\.18\.\d+\.13/)
    expect(readAt(lost.now, 'lb3'), 'when it was last known').toBeGreaterThan(0)
    expect(readAt(lost.now, 'lb3')).toBeLessThan(cutAt + pollMs)
    expect(lost.now.servers.find(({ id }) => id === orders1)?.state, 'lb4 vouches for it').toBe('up')

    // long enough for a dial to hang as well
    const during = await watchUntil('time passes', 30_000, () => Date.now() > cutAt + 20_000)
    expect(cellOf(during.now, orders1, 'lb3')?.state).toBe('unknown')
    expect(nodeOf(during.now, 'lb3').connection.state).not.toBe('connected')
    for (const { oldestMs } of [lost, during]) expect(oldestMs, 'no other node is read later for it').toBeLessThan(8 * pollMs)

    await lab.healCable('lb3', 'management')
    const back = await watchUntil('lb3 is back', 60_000, (now) => saysUp(now, 'lb3'))
    expect(nodeOf(back.now, 'lb3').connection.state).toBe('connected')
  }, 150_000)
})
