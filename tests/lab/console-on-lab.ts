import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { FleetSnapshot, NodeView, RouterView, ServerView } from '#contract'
import { createDispatcher } from '../../src-main/app/dispatcher.ts'
import { compose, type ComposeOptions } from '../../src-main/compose.ts'
import { createClient, type Client } from '../../src-main/shells/cli/client.ts'
import type { Lab } from './lab.ts'
import { tryRun, type RunResult } from './run.ts'

export const pollMs = 1000

/** A data folder of its own and an empty home, so that nothing of the person who runs the tests is read or changed. */
export interface Workplace {
  environment: NodeJS.ProcessEnv
  home: string
  dataFolder: string
  /** a Node with this environment and no other */
  node: readonly [string, ...string[]]
  /** Run the command line, as `evenkeel …` does. */
  evenkeel(...args: string[]): Promise<RunResult>
  clear(): void
}

export function makeWorkplace(): Workplace {
  const home = mkdtempSync(join(tmpdir(), 'evenkeel-lab-home-'))
  const dataFolder = join(home, 'data')
  const compiled = process.env['NODE_COMPILE_CACHE']
  const environment = {
    ...{ PATH: process.env['PATH'] ?? '', HOME: home, EVENKEEL_DATA: dataFolder },
    ...(compiled === undefined ? {} : { NODE_COMPILE_CACHE: compiled }),
  }
  const program = resolve(import.meta.dirname, '../../src-main/shells/cli/index.ts')
  const assignments = Object.entries(environment).map(([name, value]) => `${name}=${value}`)
  const node = ['env', '-i', ...assignments, process.execPath] as const
  return {
    environment,
    home,
    dataFolder,
    node,
    evenkeel: (...args) => tryRun([...node, program, ...args], { timeoutMs: 60_000 }),
    clear: () => rmSync(home, { recursive: true, force: true }),
  }
}

/** The application at work on the lab, in this process. */
export interface ConsoleOnLab {
  client: Client
  snapshot(): Promise<FleetSnapshot>
  close(): Promise<void>
}

/** Opens a workplace's data folder, into which the lab's inventory has been imported, and starts to read the nodes. */
export async function openConsole(
  workplace: Workplace,
  overrides: NonNullable<ComposeOptions['overrides']> = {},
): Promise<ConsoleOnLab> {
  const { dataFolder, environment, home } = workplace
  const application = await compose({ dataFolder, shell: 'cli', env: environment, home, knownHostsFiles: [], overrides })
  const dispatcher = createDispatcher({ handlers: application.handlers, log: application.log })
  const forget = application.onEvent((name, payload) => dispatcher.publish(name, payload))
  const client = createClient(dispatcher, { user: 'lab test', shell: 'cli' })
  const settings = await client.call('settings.get', {})
  await client.call('settings.put', { ...settings, pollMs })
  await application.start()
  return {
    client,
    snapshot: () => client.call('fleet.snapshot', {}),
    async close() {
      client.close()
      forget()
      await application.stop()
    },
  }
}

/** `lb1`'s word on `be_web/web1` and the like; undefined while the console does not know such a server. */
export const cellOf = (snapshot: FleetSnapshot, server: string, node: string): ServerView['on'][number] | undefined =>
  snapshot.servers.find(({ id }) => id === server)?.on.find(({ nodeId }) => nodeId === node)

export const nodeOf = (snapshot: FleetSnapshot, id: string): NodeView => {
  const node = snapshot.nodes.find((one) => one.id === id)
  if (!node) throw new Error(`The snapshot has no node ${id}.`)
  return node
}

export const routerOf = (snapshot: FleetSnapshot, id: string): RouterView => {
  const router = snapshot.routers.find((one) => one.id === id)
  if (!router) throw new Error(`The snapshot has no router ${id}.`)
  return router
}

/** Every server that a node's HAProxy has, as `backend/server`, asked from the daemon itself. */
export async function haproxyServers(lab: Lab, node: string): Promise<string[]> {
  const rows = await showStat(lab, node)
  return rows.map(([backend, server]) => `${backend}/${server}`)
}

/** HAProxy's own word on a server, e.g. `UP` or `DOWN`. */
export async function haproxyWord(lab: Lab, node: string, name: string): Promise<string> {
  const row = (await showStat(lab, node)).find(([backend, server]) => `${backend}/${server}` === name)
  return row?.[17] ?? ''
}

async function showStat(lab: Lab, node: string): Promise<string[][]> {
  const socket = 'UNIX-CONNECT:/run/haproxy/admin.sock'
  const { stdout } = await lab.exec(node, ['socat', '-t5', '-', socket], { stdin: 'show stat -1 4 -1\n' })
  return stdout
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(','))
}
