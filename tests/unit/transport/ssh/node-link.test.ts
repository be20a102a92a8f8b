import { beforeEach, describe, expect, it } from 'vitest'
import type { NodeId } from '#contract'
import { AppError } from '../../../../src-main/app/app-error.ts'
import type { ConnectionStatus } from '../../../../src-main/app/ports/node-session.ts'
import { type Dialled, NodeLink } from '../../../../src-main/transport/ssh/node-link.ts'

const limits = { signal: new AbortController().signal, timeoutMs: 5_000 }
const unreachable = new AppError('node.unreachable', 'no route')
const refused = new AppError('ssh.auth-failed', 'no')

let now: number
let dials: { signal: AbortSignal; succeed: (dialled: Dialled) => void; fail: (error: unknown) => void }[]
let seen: ConnectionStatus[]
let link: NodeLink

function connection(): Dialled & { cut: () => void } {
  const lost = new AbortController()
  const cut = (): void => lost.abort(new AppError('ssh.connection-lost', 'cut'))
  // the link looks at nothing else of the two
  return { chain: { lost: lost.signal, close: cut }, session: { roundTripMs: () => 1.5 }, cut } as unknown as Dialled & {
    cut: () => void
  }
}

beforeEach(() => {
  now = 1_000
  dials = []
  seen = []
  link = new NodeLink({
    nodeId: 'n1' as NodeId,
    clock: { now: () => now + 1_000_000, monotonic: () => now, sleep: () => Promise.reject(new Error('not used')) },
    random: () => 0.5,
    onStatus: (status) => seen.push(status),
    dial: (signal) =>
      new Promise((succeed, fail) => {
        dials.push({ signal, succeed, fail })
        signal.addEventListener('abort', () => fail(signal.reason), { once: true })
      }),
  })
})

const states = (): string[] => seen.map((status) => status.state)

async function failOnce(error: unknown): Promise<void> {
  const asked = link.session(limits)
  dials.at(-1)?.fail(error)
  await expect(asked).rejects.toBe(error)
}

describe('a link', () => {
  it('dials once for all who ask, and hands out the same session afterwards', async () => {
    const asked = [link.session(limits), link.session(limits)]
    const made = connection()
    dials[0]?.succeed(made)
    expect(await Promise.all(asked)).toEqual([made.session, made.session])
    expect(await link.session(limits)).toBe(made.session)
    expect(dials).toHaveLength(1)
    expect(states()).toEqual(['connecting', 'connected'])
    expect(link.status()).toMatchObject({ state: 'connected', error: null, attempts: 0, retryAt: null, roundTripMs: 1.5 })
  })

  it('backs off after a failure: rejects at once, dials again when the time has come, and not before', async () => {
    await failOnce(unreachable)
    expect(link.status()).toMatchObject({ state: 'waiting', error: unreachable, attempts: 1, retryAt: 1_000_000 + 1_000 + 500 })
    now += 499
    await expect(link.session(limits)).rejects.toBe(unreachable)
    expect(dials).toHaveLength(1)
    now += 1
    await failOnce(unreachable)
    expect(link.status()).toMatchObject({ attempts: 2, retryAt: 1_000_000 + now + 1_000 })
    expect(dials).toHaveLength(2)
  })

  it('stays refused for ever, until reset or force', async () => {
    await failOnce(refused)
    now += 10 * 60_000
    await expect(link.session(limits)).rejects.toBe(refused)
    expect(link.status()).toMatchObject({ state: 'refused', retryAt: null })
    const forced = link.session({ ...limits, force: true })
    dials[1]?.fail(refused)
    await expect(forced).rejects.toBe(refused)
    link.reset()
    expect(link.status()).toMatchObject({ state: 'idle', error: null, attempts: 0 })
    const again = link.session(limits)
    dials[2]?.succeed(connection())
    await again
  })

  it('force also cuts a wait short', async () => {
    await failOnce(unreachable)
    const forced = link.session({ ...limits, force: true })
    dials[1]?.succeed(connection())
    await forced
    expect(states()).toEqual(['connecting', 'waiting', 'connecting', 'connected'])
  })

  it('one caller who leaves does not end the dial of the others; the last one does, and that is no failure', async () => {
    const [first, second] = [new AbortController(), new AbortController()]
    const asked = [link.session({ ...limits, signal: first.signal }), link.session({ ...limits, signal: second.signal })]
    first.abort()
    await expect(asked[0]).rejects.toMatchObject({ code: 'request.cancelled', effect: 'none' })
    expect(dials[0]?.signal.aborted).toBe(false)
    second.abort()
    await expect(asked[1]).rejects.toMatchObject({ code: 'request.cancelled' })
    expect(dials[0]?.signal.aborted).toBe(true)
    expect(link.status()).toMatchObject({ state: 'idle', attempts: 0 })
  })

  it('who asks while a cancelled dial is still ending gets a dial of their own', async () => {
    const controller = new AbortController()
    const left = link.session({ ...limits, signal: controller.signal })
    controller.abort()
    await expect(left).rejects.toMatchObject({ code: 'request.cancelled' })
    const asked = link.session(limits)
    expect(dials).toHaveLength(2)
    const made = connection()
    dials[1]?.succeed(made)
    expect(await asked).toBe(made.session)
  })

  it('a dial that takes too long is a failure and ends', async () => {
    await expect(link.session({ ...limits, timeoutMs: 5 })).rejects.toMatchObject({ code: 'ssh.timeout' })
    expect(dials[0]?.signal.aborted).toBe(true)
    await Promise.resolve()
    expect(link.status()).toMatchObject({ state: 'waiting', attempts: 1 })
  })

  it('a connection that lived clears the count of failures, one that was dropped at once does not', async () => {
    await failOnce(unreachable)
    for (const [livedMs, attempts] of [
      [10, 2],
      [29_000, 3],
      [30_000, 1],
    ] as const) {
      now += 60_000
      const asked = link.session(limits)
      const made = connection()
      dials.at(-1)?.succeed(made)
      await asked
      now += livedMs
      made.cut()
      expect(link.status()).toMatchObject({ state: 'waiting', attempts, error: { code: 'ssh.connection-lost' } })
    }
  })

  it('closing ends a dial and a connection, says nothing more, and is final', async () => {
    const asked = link.session(limits)
    const closing = link.close()
    await expect(asked).rejects.toMatchObject({ code: 'request.cancelled' })
    await closing
    expect(states()).toEqual(['connecting'])
    await expect(link.session(limits)).rejects.toMatchObject({ code: 'request.cancelled' })
  })
})
