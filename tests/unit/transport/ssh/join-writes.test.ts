import { Writable } from 'node:stream'
import { expect, it } from 'vitest'
import { joinWrites } from '../../../../src-main/transport/ssh/join-writes.ts'

/** a stream that notes what each system call would carry */
function recorded(): { stream: Writable; calls: string[][] } {
  const calls: string[][] = []
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => void (calls.push([chunk.toString()]), done()),
    writev: (chunks, done) => void (calls.push(chunks.map(({ chunk }) => (chunk as Buffer).toString())), done()),
  })
  joinWrites(stream)
  return { stream, calls }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

it('joins what is written in one turn, in order, and nothing across turns', async () => {
  const { stream, calls } = recorded()
  for (const piece of ['length', 'packet', 'tag']) stream.write(piece)
  await turn()
  stream.write('next')
  await turn()
  expect(calls).toEqual([['length', 'packet', 'tag'], ['next']])
})

it('loses nothing when the stream ends or is destroyed in the same turn', async () => {
  const ended = recorded()
  ended.stream.write('a')
  ended.stream.end('b')
  await turn()
  expect(ended.calls.flat()).toEqual(['a', 'b'])
  const destroyed = recorded()
  destroyed.stream.on('error', () => undefined)
  destroyed.stream.write('a')
  destroyed.stream.destroy()
  await turn()
  expect(destroyed.stream.destroyed).toBe(true)
})
