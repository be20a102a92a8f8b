/*
 * Trying a node's front doors as clients do, while its configuration is changed: what a daemon says of itself does not show that requests
 * go unanswered (open-source nginx knows nothing of its servers). Doors of the node's own are tried from the node; those of its virtual
 * addresses from the other member of its pair, which is another machine on their segment, or else from the node itself. The console opens
 * no connection of its own: it reaches nodes over SSH and nothing else.
 */
import { once } from 'node:events'
import { isUtf8 } from 'node:buffer'
import type { Duplex } from 'node:stream'
import { doorKey, doorRegression, frontDoors, type FrontDoor, type Outcome } from '../../domain/push/front-doors.ts'
import type { Regression } from '../../domain/push/judge-health.ts'
import { appErrorFrom } from '../app-error.ts'
import type { Clock } from '../ports/clock.ts'
import type { CallLimits, NodeSession } from '../ports/node-session.ts'
import { readVrrp } from './foresee-moves.ts'
import type { NodeServices } from './parties.ts'

export type Dial = NodeSession['openTcp']

/** From where doors are tried. */
export interface Vantage {
  name: string
  dial: Dial
}

export interface DoorWatch {
  /** once more, all of them */
  look(limits: CallLimits): Promise<void>
  /** Leaves out what is gone from the configuration. A port that listens still, if elsewhere, is expected to serve virtual addresses. */
  keepConfigured(limits: CallLimits): Promise<void>
  worse(): Regression | null
}

interface Tried {
  door: FrontDoor
  host: string
  vantage: Vantage
  /** tried at a virtual address */
  vip: boolean
  label: string
  before: Outcome[]
  since: Outcome[]
}

const answerMs = 5000
/** a connection that is closed within this time was not taken */
const holdMs = 200

/** Tries all doors once; those that nobody takes are not looked at again. */
export async function watchDoors(
  node: NodeServices,
  vantages: readonly Vantage[],
  clock: Clock,
  limits: CallLimits,
): Promise<DoorWatch> {
  const [doors, vrrp] = await Promise.all([doorsOf(node, limits), readVrrp(node, limits)])
  const addresses = vrrp?.instances.flatMap((each) => each.addresses) ?? []
  const self = { name: node.session.nodeId, dial: (...args: Parameters<Dial>) => node.session.openTcp(...args) }
  const own = doors.filter(({ address }) => !addresses.includes(address))
  const tried = [
    await tryAll(own.map((door) => newTry(door, door.address === '*' ? '127.0.0.1' : door.address, self, false))),
    ...(await Promise.all(addresses.map((address) => fromFirst(address, [...vantages, self])))),
  ].flat()
  let settled = false

  async function tryAll(list: Tried[]): Promise<Tried[]> {
    await Promise.all(list.map(async (each) => each.before.push(...(await tryDoor(each, clock, limits)))))
    return list.filter(({ before }) => before.length > 0 && !before.includes('none'))
  }
  /** from the first that reaches any */
  async function fromFirst(address: string, from: readonly Vantage[]): Promise<Tried[]> {
    const there = doors.filter((door) => door.address === '*' || door.address === address)
    for (const vantage of from) {
      const reached = await tryAll(there.map((door) => newTry(door, address, vantage, true)))
      if (reached.length > 0) return reached
    }
    return []
  }

  return {
    async look(now) {
      await Promise.all(
        tried.map(async (each) => (settled ? each.since : each.before).push(...(await tryDoor(each, clock, now)))),
      )
    },
    async keepConfigured(now) {
      settled = true
      const left = await doorsOf(node, now)
      const has = ({ door, vip }: Tried): boolean =>
        left.some((each) => (vip ? each.port === door.port && each.path === door.path : doorKey(each) === doorKey(door)))
      tried.splice(0, tried.length, ...tried.filter(has))
    },
    worse() {
      for (const { label, before, since } of tried) {
        const found = doorRegression(label, before, since)
        if (found !== null) return found
      }
      return null
    },
  }
}

function newTry(door: FrontDoor, host: string, vantage: Vantage, vip: boolean): Tried {
  const at = `${host.includes(':') ? `[${host}]` : host}:${door.port}`
  const label = `${door.path === null ? at : `http://${at}${door.path}`} from ${vantage.name}`
  return { door, host, vantage, vip, label, before: [], since: [] }
}

async function doorsOf({ session, services }: NodeServices, limits: CallLimits): Promise<FrontDoor[]> {
  const balancers = services.filter(({ kind }) => kind !== 'keepalived')
  const files = await Promise.all(balancers.map((each) => each.readConfig(session, limits)))
  return frontDoors(
    files.flatMap((list, index) =>
      list.flatMap(({ path, bytes }) => {
        const kind = balancers[index]?.kind
        return bytes === null || kind === undefined
          ? []
          : [{ path, kind, text: bytes.toString(isUtf8(bytes) ? 'utf8' : 'latin1') }]
      }),
    ),
  )
}

/** Nothing when it is not the door: the vantage itself cannot be reached. */
async function tryDoor({ door, host, vantage }: Tried, clock: Clock, limits: CallLimits): Promise<Outcome[]> {
  const within = { signal: AbortSignal.any([limits.signal, AbortSignal.timeout(answerMs)]), timeoutMs: answerMs }
  let stream: Duplex
  try {
    stream = await vantage.dial(host, door.port, within)
  } catch (thrown) {
    return ['exec.failed', 'ssh.timeout'].includes(appErrorFrom(thrown).code) ? ['none'] : []
  }
  stream.on('error', () => undefined)
  try {
    return [door.path === null ? await isHeld(stream, clock, within) : await isAnswered(stream, host, door.path, within)]
  } finally {
    stream.destroy()
  }
}

async function isHeld(stream: Duplex, clock: Clock, { signal }: CallLimits): Promise<Outcome> {
  stream.resume()
  const ended = ['end', 'close'].map((event) =>
    once(stream, event).then(
      () => 'none' as const,
      () => 'none' as const,
    ),
  )
  return Promise.race([
    clock.sleep(holdMs, signal).then(
      () => 'taken' as const,
      () => 'none' as const,
    ),
    ...ended,
  ])
}

/** HEAD is answered without a body, and changes nothing. */
async function isAnswered(stream: Duplex, host: string, path: string, { signal }: CallLimits): Promise<Outcome> {
  const giveUp = (): void => void stream.destroy()
  signal.addEventListener('abort', giveUp, { once: true })
  try {
    stream.write(`HEAD ${path} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: evenkeel\r\nConnection: close\r\n\r\n`)
    let text = ''
    for await (const chunk of stream) {
      text += String(chunk)
      const status = /^HTTP\/\d\.\d (\d{3})/.exec(text)?.[1]
      if (status !== undefined) return Number(status) < 500 ? 'answered' : 'taken'
      if (text.length > 64) break
    }
  } catch {
    // cut off: as good as no answer
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
  return 'none'
}
