import { connect, createServer, type Server } from 'node:net'

/** Somebody else has the lock: who, as `pid 123, npm run lab up`. */
export class LockHeld extends Error {
  readonly holder: string
  constructor(name: string, holder: string) {
    super(`${name} is in use by ${holder}.`)
    this.holder = holder
  }
}

/**
 * Take a lock that all processes of this machine see. It is a listening socket with an abstract name, so the kernel gives it back
 * whatever way the holder ends, and whoever wants it can ask who has it.
 *
 * @returns the function that gives it back
 * @throws LockHeld when somebody has it after `waitMs`; `onWait` is told once who it is
 */
export async function takeLock(
  name: string,
  waitMs: number,
  onWait: (holder: string) => void = () => undefined,
): Promise<() => Promise<void>> {
  const deadline = Date.now() + waitMs
  const path = `\0evenkeel-lab/${name}`
  let told = false
  for (;;) {
    const server = await listen(path)
    if (server) return () => new Promise((done) => server.close(() => done()))
    const holder = await askHolder(path)
    if (Date.now() >= deadline) throw new LockHeld(name, holder)
    if (!told) onWait(holder)
    told = true
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

function listen(path: string): Promise<Server | null> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy())
      socket.end(`pid ${process.pid} (${process.argv.slice(1).join(' ')})`)
    })
    server.unref()
    server.on('error', (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' ? resolve(null) : reject(error)))
    server.listen(path, () => resolve(server))
  })
}

function askHolder(path: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(path)
    let text = ''
    socket.setTimeout(500, () => socket.destroy())
    socket.on('data', (chunk) => (text += chunk.toString()))
    // it may have been given back in between; then the next attempt takes it
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(text || 'a process that did not say its name'))
  })
}
