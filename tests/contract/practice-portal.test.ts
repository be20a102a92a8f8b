import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openFleet } from '../../src-main/practice/fleet/practice-fleet.ts'

it('the portal of the practice fleet loses nobody, over reloads', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'evenkeel-practice-'))
  const fleet = await openFleet({ folder, size: {}, told: () => undefined })
  try {
    const poll = (read: () => unknown) => expect.poll(read, { timeout: 30_000 })
    const answered = () => fleet.facts().load?.ok ?? 0
    const nginx = [...fleet.balancers.values()].map(({ machine }) => machine)
    for (let round = 1; round <= 3; round += 1) {
      const before = answered()
      for (const machine of nginx) expect((await machine.run(['nginx', '-s', 'reload'])).code).toBe(0)
      await poll(() => answered() - before).toBeGreaterThan(40)
    }
    expect(fleet.facts().load).toMatchObject({ failed: 0, broken: 0 })
    const pages = await Promise.all(nginx.map((machine) => machine.run(['curl', '-s', 'http://127.0.0.1:8091/stub_status'])))
    const requests = pages.map(({ stdout }) => Number(/^ \d+ \d+ (\d+) $/m.exec(stdout.toString())?.[1]))
    expect(
      requests.filter((count) => count > 1),
      'of the balancers that hold the sites’ addresses',
    ).toHaveLength(2)
  } finally {
    await fleet.close()
    await rm(folder, { recursive: true })
  }
}, 120_000)
