import { createHash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { NodeSession } from '../../../../src-main/app/ports/node-session.ts'
import { limits, passwordConsole, sessionOf } from '../ssh-console.ts'
import { startServer } from '../ssh-server.ts'

let folder: string
let file: string
let session: NodeSession
const cleanUps: (() => unknown)[] = []
const hashOf = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex')
const replace = (text: string | Buffer, expectSha256 = hashOf('old\n'), target = file) =>
  session.replaceFile(target, Buffer.from(text), { ...limits, expectSha256 })

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'evenkeel-replace-'))
  file = path.join(folder, 'site.conf')
  writeFileSync(file, 'old\n')
  chmodSync(file, 0o640)
  const server = await startServer()
  const pool = passwordConsole(server)
  cleanUps.push(
    () => rmSync(folder, { recursive: true }),
    () => server.close(),
    () => pool.close(),
  )
  session = await sessionOf(pool)
})
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

it('puts any bytes in place, as another file of the same mode, and leaves nothing beside it', async () => {
  const bytes = Buffer.from([0, 255, 10, 13, 39, 92, ...Buffer.alloc(300_000, 7)])
  const inode = statSync(file).ino
  expect(await replace(bytes)).toEqual({ sha256: hashOf(bytes) })
  expect(readFileSync(file).equals(bytes)).toBe(true)
  expect(statSync(file)).toMatchObject({ mode: 0o100640 })
  expect(statSync(file).ino, 'renamed, not written over').not.toBe(inode)
  expect(readdirSync(folder)).toEqual(['site.conf'])
})

it('follows a symlink and keeps it, also under a name that a shell would take apart', async () => {
  const link = path.join(folder, "-a $(touch x) 'b'.conf")
  symlinkSync(file, link)
  await replace('new\n', undefined, link)
  expect(lstatSync(link).isSymbolicLink()).toBe(true)
  expect(readFileSync(file, 'utf8')).toBe('new\n')
  expect(existsSync(path.join(folder, 'x'))).toBe(false)
})

it('leaves alone what somebody else has changed, and what is not there', async () => {
  await expect(replace('new\n', hashOf('what was read'))).rejects.toMatchObject({
    code: 'config.changed-on-node',
    effect: 'none',
    message: expect.stringContaining(file) as string,
  })
  await expect(replace('new\n', undefined, `${file}.gone`)).rejects.toMatchObject({ code: 'exec.not-found', effect: 'none' })
  expect(readFileSync(file, 'utf8')).toBe('old\n')
  expect(readdirSync(folder)).toEqual(['site.conf'])
})

it('takes only absolute paths', async () => {
  await expect(replace('new\n', undefined, 'site.conf')).rejects.toMatchObject({ code: 'request.invalid' })
})
