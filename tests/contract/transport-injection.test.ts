import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { NodeSession, NodeSessions } from '../../src-main/app/ports/node-session.ts'
import { limits, passwordConsole, sessionOf, small } from '../unit/transport/ssh-console.ts'
import { startServer, type TestServer } from '../unit/transport/ssh-server.ts'

/**
 * Nothing that comes from outside (names of servers, paths found on a node, settings) may become more than one word of one command.
 * The server runs what it is sent with a real /bin/sh; `trap` shows whether anything else ran. Forwarding is off, so that socket paths
 * take the way through the shell as well.
 */
let dir: string
let server: TestServer
let pool: NodeSessions
let session: NodeSession

beforeAll(async () => {
  dir = mkdtempSync(path.join(tmpdir(), 'evenkeel-injection-'))
  server = await startServer({ allowStreamLocal: false })
  pool = passwordConsole(server)
  session = await sessionOf(pool)
})
afterAll(async () => {
  await pool.close()
  await server.close()
  rmSync(dir, { recursive: true })
})

const trap = (): string => path.join(dir, 'ran')
const hostile = (): string[] => [
  `; touch ${trap()}`,
  `\ntouch ${trap()}\n`,
  `$(touch ${trap()})`,
  `\`touch ${trap()}\``,
  `' ; touch ${trap()} ; '`,
  `" ; touch ${trap()} ; "`,
  `'\\'' ; touch ${trap()} #`,
  `| touch ${trap()}`,
  `& touch ${trap()} &`,
  `\\'; touch ${trap()}`,
  `\r\ntouch ${trap()}`,
  `! touch ${trap()}`,
  `~/$HOME/*`,
]

describe('hostile words', () => {
  it('stay words as arguments', async () => {
    const { stdout } = await session.exec(['printf', '%s\\0', ...hostile()], small)
    expect(stdout.toString().split('\0').slice(0, -1)).toEqual(hostile())
    expect(existsSync(trap())).toBe(false)
  })

  it('stay one word as the program', async () => {
    for (const word of hostile()) expect((await session.exec([word], small)).code).toBeGreaterThan(0)
    expect(existsSync(trap())).toBe(false)
  })

  it('stay data on stdin', async () => {
    const input = hostile().join('')
    expect((await session.exec(['cat'], { ...small, stdin: input })).stdout.toString()).toBe(input)
    expect(existsSync(trap())).toBe(false)
  })

  it('stay one path of a file', async () => {
    for (const [index, word] of hostile().entries()) {
      const folder = path.join(dir, `d${index}`)
      const file = path.join(folder, word.replaceAll('/', '_'))
      mkdirSync(folder)
      writeFileSync(file, `content ${index}`)
      expect((await session.readFile(file, small)).bytes.toString()).toBe(`content ${index}`)
      await expect(session.readFile(`${folder}/missing${word}`, small)).rejects.toMatchObject({ code: 'exec.not-found' })
    }
    expect(existsSync(trap())).toBe(false)
  })

  it('stay one path of a socket', async () => {
    for (const [index, word] of hostile().entries()) {
      // a socket's path holds 107 bytes
      const file = path.join(dir, `s${index}${word.replaceAll('/', '_').slice(0, 20)}`)
      const listener = createServer({ allowHalfOpen: true }, (socket) => socket.end(`socket ${index}`))
      await new Promise<void>((resolve) => listener.listen(file, resolve))
      try {
        const stream = await session.openSocket(file, limits)
        stream.end()
        expect(await text(stream)).toBe(`socket ${index}`)
      } finally {
        await new Promise((resolve) => listener.close(resolve))
      }
      await expect(session.openSocket(`${dir}/none${word}`, limits)).rejects.toMatchObject({ code: 'exec.not-found' })
    }
    expect(existsSync(trap())).toBe(false)
  })

  it('are refused with a NUL in them', async () => {
    await expect(session.exec(['echo', 'a\0b'], small)).rejects.toMatchObject({ code: 'request.invalid', effect: 'none' })
    await expect(session.readFile('/etc/\0passwd', small)).rejects.toMatchObject({ code: 'request.invalid' })
    await expect(session.openSocket('/run/\0x', limits)).rejects.toMatchObject({ code: 'request.invalid' })
  })
})
