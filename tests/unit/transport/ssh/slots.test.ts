import { describe, expect, it } from 'vitest'
import { backOffMs } from '../../../../src-main/transport/ssh/back-off.ts'
import { keepUnlessAborted, Slots } from '../../../../src-main/transport/ssh/slots.ts'

const never = new AbortController().signal

describe('slots', () => {
  it('go out in order, and a release counts once', async () => {
    const slots = new Slots(2)
    const order: number[] = []
    const [first] = await Promise.all([slots.acquire(never), slots.acquire(never)])
    const waiting = [1, 2].map((n) =>
      slots.acquire(never).then((release) => {
        order.push(n)
        return release
      }),
    )
    first()
    first()
    const third = await waiting[0]
    expect([slots.held, order]).toEqual([2, [1]])
    third?.()
    await waiting[1]
    expect(order).toEqual([1, 2])
  })

  it('a waiter that is cancelled leaves the queue', async () => {
    const slots = new Slots(1)
    const release = await slots.acquire(never)
    const controller = new AbortController()
    const left = slots.acquire(controller.signal)
    const next = slots.acquire(never)
    controller.abort(new Error('left'))
    await expect(left).rejects.toThrow('left')
    release()
    await next
    expect(slots.held).toBe(1)
    await expect(slots.acquire(controller.signal)).rejects.toThrow('left')
  })

  it('a slot granted in the moment of the cancel goes back', async () => {
    const slots = new Slots(1)
    const release = await slots.acquire(never)
    const controller = new AbortController()
    const granted = slots.acquire(controller.signal)
    release()
    controller.abort(new Error('too late'))
    const late = await granted
    expect(slots.held).toBe(1)
    expect(() => keepUnlessAborted(late, controller.signal)).toThrow('too late')
    expect(slots.held).toBe(0)
  })

  it('a smaller limit holds for those who come later, and is never below one', async () => {
    const slots = new Slots(3)
    const releases = await Promise.all([slots.acquire(never), slots.acquire(never), slots.acquire(never)])
    slots.shrinkTo(0)
    slots.shrinkTo(5)
    expect(slots.limit).toBe(1)
    let granted = false
    const next = slots.acquire(never).then(() => (granted = true))
    releases[0]?.()
    releases[1]?.()
    await Promise.resolve()
    expect(granted).toBe(false)
    releases[2]?.()
    await next
  })
})

describe('back-off', () => {
  it('doubles up to a minute, with full jitter', () => {
    const most = () => 0.999_999
    expect([1, 2, 3, 6, 7, 1_000].map((failures) => backOffMs(failures, most))).toEqual([
      1_000, 2_000, 4_000, 32_000, 60_000, 60_000,
    ])
    expect(backOffMs(9, () => 0)).toBe(0)
    expect(backOffMs(2, () => 0.5)).toBe(1_000)
  })
})
