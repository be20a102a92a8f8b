import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ownText } from '../../../../src-main/domain/fleet/own-text.ts'

it('is the same text', () => {
  fc.assert(fc.property(fc.string({ maxLength: 40 }), (text) => ownText(text) === text))
})

it('does not keep the reply that a name was cut from', () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const kept: string[] = []
  collect()
  const before = process.memoryUsage().heapUsed
  for (let round = 0; round < 200; round++) {
    const reply = Buffer.alloc(150_000, 97 + (round % 20)).toString()
    kept.push(ownText(reply.slice(1000, 1030)), ownText(`pool/${reply.slice(1000, 1030)}`))
  }
  collect()
  // Two hundred replies are 30 MB.
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(10e6)
  expect(kept).toHaveLength(400)
})
