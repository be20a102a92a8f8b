import { request as httpRequest, type Agent, type ClientRequest } from 'node:http'
import type { MachineNetwork, PracticeClock } from '../machine/machine.ts'
import { ServerAgent } from '../traffic/layer7/server-agent.ts'

export interface LoadSpec {
  /** of the virtual address, as a rule */
  readonly address: string
  readonly port: number
  readonly host: string
  readonly path: string
  readonly perSecond: number
  /** share of the requests, 0 to 1, by clients that keep their cookies */
  readonly stickyShare: number
  /** how long such a client stays; another one, without cookies, takes its place */
  readonly visitMs: number
  /** share of the requests, 0 to 1, over kept connections */
  readonly keepAliveShare: number
  /** streams of events held open beside the requests; one that ends is opened again */
  readonly longLived: number
  /** an answer later than this counts as slow */
  readonly slowMs: number
  readonly timeoutMs: number
}

export interface LoadFigures {
  /** answered below 500 in time; of these `slow` took longer than `slowMs` */
  ok: number
  slow: number
  /** answered 500 and above, not at all, or too late */
  failed: number
  /** not sent, since too many were under way already */
  skipped: number
  underWay: number
  longLived: number
  /** long-lived ones that ended without the generator's doing */
  broken: number
  /** answered below 500, by time: `count` took at most `upToMs` (null: longer) and more than the one before */
  histogram: { readonly upToMs: number | null; count: number }[]
}

export interface LoadGenerator {
  /** 0 pauses */
  setRate(perSecond: number): void
  figures(): LoadFigures
  /** at once: what is under way is cut and counts for nothing */
  stop(): void
}

const tickMs = 50
const mostUnderWay = 500
const stickyClients = 20
const bounds = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, null]

/** Clients on one machine. @param pid the process that the connections belong to */
export function startLoad(
  spec: LoadSpec,
  { network, clock, pid, random }: { network: MachineNetwork; clock: PracticeClock; pid: number; random: () => number },
): LoadGenerator {
  const from = { pid, timeoutMs: spec.timeoutMs }
  const kept = new ServerAgent(network, from, mostUnderWay)
  const fresh = new ServerAgent(network, from, 0)
  /** what each sticky client was told to say */
  const cookies = Array.from({ length: stickyClients }, () => new Map<string, string>())
  /** when each of them leaves; the first ones have been there for a while */
  const leavesAt = cookies.map(() => clock.monotonic() + random() * spec.visitMs)
  const open = new Set<ClientRequest>()
  let stopped = false
  const figures: LoadFigures = {
    ok: 0,
    slow: 0,
    failed: 0,
    skipped: 0,
    underWay: 0,
    longLived: 0,
    broken: 0,
    histogram: bounds.map((upToMs) => ({ upToMs, count: 0 })),
  }
  let perSecond = spec.perSecond
  let owed = 0
  let lastTickAt = clock.monotonic()
  let cancelTick = (): void => {}

  function jarOf(client: number, now: number): Map<string, string> | undefined {
    const jar = cookies[client]
    if (now >= (leavesAt[client] ?? 0)) {
      leavesAt[client] = now + spec.visitMs
      jar?.clear()
    }
    return jar
  }

  function send(): void {
    const startedAt = clock.monotonic()
    const jar = random() < spec.stickyShare ? jarOf(Math.floor(random() * stickyClients), startedAt) : undefined
    let settled = false
    const settle = (status: number | null): void => {
      if (settled) return
      settled = true
      cancel()
      figures.underWay -= 1
      if (stopped) return
      const tookMs = clock.monotonic() - startedAt
      if (status === null || status >= 500) return void (figures.failed += 1)
      figures.ok += 1
      if (tookMs > spec.slowMs) figures.slow += 1
      const slot = figures.histogram.find(({ upToMs }) => upToMs === null || tookMs <= upToMs)
      if (slot !== undefined) slot.count += 1
    }
    figures.underWay += 1
    const cancel = clock.after(spec.timeoutMs, () => {
      settle(null)
      request.destroy()
    })
    let request = ask(random() < spec.keepAliveShare ? kept : fresh)

    function ask(agent: Agent): ClientRequest {
      const made = begin(agent, spec.path, jar)
      let heard = false
      made.on('error', () => {
        // As browsers do: a kept connection that was closed at that moment, unheard, says nothing of the site.
        if (made.reusedSocket && !heard && !settled) request = ask(fresh)
        else settle(null)
      })
      made.on('response', (response) => {
        heard = true
        for (const line of response.headers['set-cookie'] ?? []) {
          const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
          jar?.set(name, value)
        }
        response.on('error', () => settle(null))
        response.on('end', () => settle(response.statusCode ?? null))
        response.resume()
      })
      made.end()
      return made
    }
  }

  function hold(): void {
    let ended = false
    const again = (): void => {
      if (ended) return
      ended = true
      if (stopped) return
      clock.after(1000, () => {
        if (!stopped) hold()
      })
    }
    const request = begin(fresh, '/events', undefined)
    request.on('error', again)
    request.on('response', (response) => {
      figures.longLived += 1
      response.on('error', () => {})
      response.on('close', () => {
        figures.longLived -= 1
        if (!stopped) figures.broken += 1
        again()
      })
      response.resume()
    })
    request.end()
  }

  function begin(agent: Agent, path: string, jar: ReadonlyMap<string, string> | undefined): ClientRequest {
    const cookie = [...(jar ?? [])].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = { host: spec.host, ...(cookie === '' ? {} : { cookie }) }
    const request = httpRequest({ agent, path, host: spec.address, port: spec.port, headers })
    open.add(request)
    request.once('close', () => open.delete(request))
    return request
  }

  function tick(): void {
    const now = clock.monotonic()
    owed += (perSecond * (now - lastTickAt)) / 1000
    lastTickAt = now
    const due = Math.floor(owed)
    owed -= due
    const sent = Math.min(due, mostUnderWay - figures.underWay)
    figures.skipped += due - sent
    for (let each = 0; each < sent; each += 1) send()
    cancelTick = clock.after(tickMs, tick)
  }

  tick()
  for (let each = 0; each < spec.longLived; each += 1) hold()
  return {
    setRate: (next) => (perSecond = next),
    figures: () => ({ ...figures, histogram: figures.histogram.map((each) => ({ ...each })) }),
    stop() {
      cancelTick()
      stopped = true
      for (const request of open) request.destroy()
      kept.destroy()
      fresh.destroy()
    },
  }
}
