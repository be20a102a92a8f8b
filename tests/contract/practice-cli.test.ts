import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { DrainView, FleetSnapshot, PracticeStatus } from '#contract'

const entry = resolve(import.meta.dirname, '../../src-main/shells/cli/index.ts')
let folder: string
let fleet: ChildProcess

const environment = (data: string) => ({ ...process.env, HOME: folder, EVENKEEL_DATA: join(folder, data) })

/** One command of another process, on a data folder that the fleet's process knows nothing of. */
function evenkeel(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((done) => {
    execFile(process.execPath, [entry, ...args], { env: environment('console') }, (error, stdout, stderr) =>
      done({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    )
  })
}

async function json<T>(...args: string[]): Promise<T> {
  const { stdout, stderr } = await evenkeel(...args, '--json')
  if (stdout === '') throw new Error(stderr)
  return JSON.parse(stdout) as T
}

const holders = async () => (await json<FleetSnapshot['routers']>('vips')).map((router) => router.holders.join(' '))
const masters = async () =>
  (await json<FleetSnapshot['routers']>('vips')).flatMap((router) =>
    router.members.filter(({ state }) => state === 'MASTER').map(({ nodeId }) => nodeId as string),
  )

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'evenkeel-practice-cli-'))
  fleet = spawn(process.execPath, [entry, 'practice', '--json'], {
    env: environment('served'),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (fleet.stdout === null) throw new Error('no output of the fleet')
  let text = ''
  while (!text.endsWith('\n}\n')) text += String((await once(fleet.stdout, 'data'))[0])
  const { inventory } = JSON.parse(text) as { inventory: string }
  expect((await evenkeel('inventory', 'import', inventory, '--no-probe')).code).toBe(0)
}, 40_000)

afterAll(async () => {
  if (fleet.exitCode === null) {
    fleet.kill('SIGKILL')
    await once(fleet, 'exit')
  }
  await rm(folder, { recursive: true })
})

it('is a fleet for another process: read, drained, failed over and put right', async () => {
  await expect.poll(holders, { timeout: 20_000 }).toEqual(['lb-t1', 'lb-o1'])
  const servers = await json<FleetSnapshot['servers']>('servers')
  expect(servers).toHaveLength(28)

  const drained = await json<DrainView>('drain', 'be_api/tyo-api1', '--reason', 'practice')
  expect(drained.places.map(({ nodeId }) => nodeId as string)).toEqual(['lb-t1', 'lb-t2'])
  const now = await json<FleetSnapshot['servers']>('servers')
  expect(['draining', 'drained']).toContain(now.find(({ name }) => name === 'tyo-api1')?.state)
  expect((await evenkeel('undrain', 'be_api/tyo-api1')).code).toBe(0)

  const killed = await json<PracticeStatus>('practice', 'do', 'kill-keepalived', 'lb-t1')
  expect(killed.scenarios.find(({ id }) => id === 'kill-keepalived')?.active).toMatchObject([{ target: 'lb-t1' }])
  await expect.poll(masters, { timeout: 20_000 }).toEqual(['lb-t2', 'lb-o1'])
  expect((await evenkeel('practice', 'revert')).code).toBe(0)
  await expect.poll(masters, { timeout: 20_000 }).toEqual(['lb-t1', 'lb-o1'])
}, 240_000)

it('speaks to any node that answers, even when the one in question does not', async () => {
  expect((await json<PracticeStatus>('practice', 'do', 'ssh-refuse', 'lb-t1')).state).toBe('open')
  expect((await evenkeel('nodes')).code).toBe(3)
  expect((await evenkeel('practice', 'revert', 'ssh-refuse', 'lb-t1')).code).toBe(0)
  expect((await evenkeel('nodes')).code).toBe(0)
}, 60_000)

it('refuses in sentences', async () => {
  expect(await evenkeel('practice', 'do', 'backend-stop', 'nobody')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('The practice fleet has no server "nobody".'),
  })
  expect(await evenkeel('practice', 'do', 'load', '--value', '9999')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('from 0 to 500'),
  })
}, 30_000)

it('stops at Ctrl-C, and then there is none', async () => {
  fleet.kill('SIGINT')
  const [code] = await once(fleet, 'exit')
  expect(code).toBe(0)
  expect((await evenkeel('practice', 'status')).code).toBe(3)
}, 30_000)
