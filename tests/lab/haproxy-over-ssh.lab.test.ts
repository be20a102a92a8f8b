import { afterAll, beforeAll, expect, it } from 'vitest'
import type { NodeSession, NodeSessions } from '../../src-main/app/ports/node-session.ts'
import { createHaproxyDriver } from '../../src-main/drivers/haproxy/driver.ts'
import { probeNodeFacts } from '../../src-main/drivers/linux/node-facts.ts'
import { systemClock } from '../../src-main/system-clock.ts'
import { within } from '../contract/local-session.ts'
import { subjectsOf } from '../contract/driver-suite.ts'
import { describeLab } from './describe-lab.ts'
import { openSessions } from './lab-sessions.ts'
import { ensureLab, type Lab } from './lab.ts'

/** The driver over the real transport: a root account, and an ordinary one with sudo and without. */
describeLab('HAProxy over SSH', () => {
  let lab: Lab
  const pools: NodeSessions[] = []
  const driver = createHaproxyDriver({ clock: systemClock })

  beforeAll(async () => {
    lab = await ensureLab()
  })
  afterAll(async () => {
    for (const pool of pools) await pool.close()
  })

  function open(id: string, sudo: boolean): Promise<NodeSession> {
    const pool = openSessions(lab, { sudo })
    pools.push(pool)
    return pool.to(id, within(20_000))
  }

  async function probe(session: NodeSession, sudo?: 'denied') {
    const facts = await probeNodeFacts(session, within(10_000))
    const asked = sudo === undefined ? facts : { ...facts, sudo }
    return (await driver.detect(session, asked, {}, within(10_000))) ?? expect.fail('HAProxy was not found')
  }

  it.each(['lb1', 'lb4'])('finds all it needs on %s, with nothing missing', async (id) => {
    const session = await open(id, true)
    const detected = await probe(session)
    expect(detected).toMatchObject({ service: { running: true, privilege: 'admin' }, findings: [] })
    const service = driver.bind(detected)
    const subjects = subjectsOf(await service.observe(session, within(10_000)))
    expect(subjects.get(id === 'lb1' ? 'be_api/api-1_v2.tyo:green' : 'be_orders/orders4')).toBe(
      id === 'lb1' ? 'up' : 'maintenance',
    )
  })

  it('reads a settled round with one line on one connection', async () => {
    const session = await open('lb1', false)
    const service = driver.bind(await probe(session))
    await service.observe(session, within(10_000))
    const opened: string[] = []
    const counting: NodeSession = {
      nodeId: session.nodeId,
      exec: () => expect.fail('a settled round runs no command'),
      readFile: () => expect.fail('a settled round reads no file'),
      replaceFile: () => expect.fail('a settled round writes no file'),
      traffic: () => session.traffic(),
      openTcp: () => expect.fail('a settled round connects to nothing'),
      openSocket: (path, limits) => (opened.push(path), session.openSocket(path, limits)),
    }
    await service.observe(counting, within(10_000))
    expect(opened).toEqual(['/run/haproxy/admin.sock'])
  })

  it('says what an account without sudo cannot see, and reads the rest', async () => {
    const session = await open('lb4', false)
    const detected = await probe(session, 'denied')
    expect(detected.findings.map(({ rule }) => rule)).toEqual(['haproxy.master-socket-not-usable'])
    expect(detected.findings[0]?.fix?.line).toBe('-S /run/haproxy-master.sock,mode,660,group,haproxy')
    const reading = await driver.bind(detected).observe(session, within(10_000))
    expect(reading).toMatchObject({ kind: 'haproxy', canSetState: true })
  })
})
