import { expect, test } from 'vitest'
import type { NodeId, RouterId } from '#contract'
import type { Party } from '../../../../src-main/app/pushes/parties.ts'
import { awaitHandover } from '../../../../src-main/app/pushes/await-handover.ts'
import type { VrrpReading } from '../../../../src-main/domain/fleet/reading.ts'

const handover = { router: 'edge/VI' as RouterId, from: 'lb1' as NodeId, to: 'lb2' as NodeId }
const address = '198.18.1.10'

/** A member whose kernel has the address from `fromMs` until `untilMs`; time passes while somebody sleeps. */
function member(nodeId: string, fromMs: number, untilMs: number) {
  let at = 0
  const clock = { now: () => at, monotonic: () => at, sleep: async (ms: number) => void (at += ms) }
  const reading = (): VrrpReading =>
    ({
      kind: 'keepalived',
      instances: [{ name: 'VI', kernelAddresses: at >= fromMs && at < untilMs ? [address] : [] }],
    }) as never
  const services = [{ kind: 'keepalived', observe: async () => reading() }]
  const limits = { signal: new AbortController().signal, timeoutMs: 1000, record: () => undefined }
  return {
    wait: () => awaitHandover({ nodeId, services, session: {} } as unknown as Party, handover, clock, limits),
    tookMs: () => at,
  }
}

test.each([
  ['lb1', 0, 3600],
  ['lb2', 3600, Infinity],
])('a handover is over when the kernel of %s says so', async (node, fromMs, untilMs) => {
  const { wait, tookMs } = member(node, fromMs, untilMs)
  await wait()
  expect(tookMs()).toBeGreaterThanOrEqual(3600)
  expect(tookMs()).toBeLessThan(4000)
})

test.each([
  ['lb1', 0, Infinity, 'lb1 still has it'],
  ['lb2', Infinity, Infinity, 'lb2 does not have it'],
])('one that does not come about is not waited for for ever: %s', async (node, fromMs, untilMs, said) => {
  const { wait, tookMs } = member(node, fromMs, untilMs)
  await expect(wait()).rejects.toMatchObject({
    code: 'daemon.not-confirmed',
    effect: 'applied',
    message: expect.stringContaining(said) as string,
  })
  expect(tookMs()).toBeLessThan(16_000)
})
