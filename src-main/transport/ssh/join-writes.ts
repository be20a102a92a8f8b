import type { Writable } from 'node:stream'

/**
 * Joins what is written within one turn of the event loop's microtasks into one system call. ssh2 1.17 writes each packet in three pieces
 * (length, ciphertext, authentication tag), which with TCP_NODELAY would be three calls and three segments: of the time a poll takes,
 * more than half went there.
 */
export function joinWrites(stream: Writable): void {
  const write = stream.write.bind(stream) as Writable['write']
  let joining = false
  const joined = (...args: Parameters<Writable['write']>): boolean => {
    if (!joining) {
      joining = true
      stream.cork()
      process.nextTick(() => {
        joining = false
        stream.uncork()
      })
    }
    return write(...args)
  }
  stream.write = joined as Writable['write']
}
