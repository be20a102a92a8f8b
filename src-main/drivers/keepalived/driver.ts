import { posix } from 'node:path'
import { DAEMON_WORD_MAX_AGE_MS } from '#contract'
import { AppError } from '../../app/app-error.ts'
import type { Clock } from '../../app/ports/clock.ts'
import type { BoundService, ConfigFileReading, Detected, Driver } from '../../app/ports/driver.ts'
import type { CallLimits, NodeSession } from '../../app/ports/node-session.ts'
import type { SegmentReading, VrrpReading } from '../../domain/fleet/reading.ts'
import { instancesOf } from '../../domain/keepalived/parse-config.ts'
import { parseDataInstances, parseTracked } from '../../domain/keepalived/parse-data-dump.ts'
import { parseIpAddr } from '../../domain/keepalived/parse-ip-addr.ts'
import { parseJsonDump } from '../../domain/keepalived/parse-json-dump.ts'
import { parseIpNeigh } from '../../domain/keepalived/parse-segment.ts'
import {
  knownFromReading,
  readingFromKeepalived,
  type KeepalivedFacts,
  type KnownInstance,
} from '../../domain/keepalived/reading.ts'
import { askDaemon, askKernelOnly, defaultPidFile, kernelSigns, look, type Look } from './ask-daemon.ts'
import { createSegmentAsker } from './ask-segment.ts'
import { createKeepalivedConfigAdmin } from './config-admin.ts'
import { readKeepalivedFiles } from './config-files.ts'
import { defaultConfig, detectKeepalived, kernelOnly } from './detect.ts'
import { readConfigIfPossible } from './read-config.ts'

/** keepalived's VRRP side: observed, and changed by its files alone. */
export function createKeepalivedDriver({ clock }: { clock: Clock }): Driver {
  return { kind: 'keepalived', detect: detectKeepalived, bind: (detected) => bindKeepalived(detected, clock) }
}

/** After something happened it is asked at every round for this long: a reload follows its edit, and a new priority a takeover. */
const settleMs = 10_000

/** What the daemon said, and when. */
interface Word extends Pick<KeepalivedFacts, 'pid' | 'uptimeS' | 'dumped' | 'tracked'> {
  at: number
}

/**
 * The kernel is asked in every round, the daemon only when something can be seen that its word may depend on (see `look`), and every
 * `DAEMON_WORD_MAX_AGE_MS` for what cannot be seen. A daemon that does not answer (stopped, killed, crashed) is asked again in the next
 * round; its addresses are still in the kernel, so a reading is made all the same, from the instances it last told of. Before its first
 * answer they come from the configuration on disk, read once.
 */
function bindKeepalived({ service }: Detected, clock: Clock): BoundService {
  const pidFile = service.endpoints['pidFile'] ?? defaultPidFile
  const config = service.endpoints['config'] ?? defaultConfig
  const mayAsk = service.privilege !== kernelOnly
  const mayEdit = service.endpoints['edit'] === 'yes'
  const configPaths = [...new Set([...service.configFiles.map((file) => posix.dirname(file)), ...service.configFiles])]
  let known: KnownInstance[] | null = null
  let word: Word | null = null
  let signs: string | null = null
  let changedAt = 0
  const segment = createSegmentAsker(clock)
  let answered: SegmentReading['sightings'] = []

  function readingOf(said: Word, network: Pick<Look, 'kernel' | 'neighbours'>): VrrpReading {
    const kernel = parseIpAddr(network.kernel)
    if (kernel === null) {
      throw new AppError(
        'daemon.unexpected-reply',
        'The addresses of this node cannot be read: "ip -j addr" did not answer with JSON. Install iproute2 4.13 or newer.',
      )
    }
    const ageMs = Math.round(clock.monotonic() - said.at)
    return readingFromKeepalived({
      ...said,
      version: service.version,
      uptimeS: said.uptimeS === null ? null : said.uptimeS + Math.round(ageMs / 1000),
      running: said.pid !== null,
      ageMs,
      fallback: known ?? [],
      kernel,
      sightings: [
        // the kernel keeps what it confirmed up to 45 s ago: an answer to our own question is nearer to the truth
        ...parseIpNeigh(network.neighbours)
          .filter(({ address }) => answered.every((answer) => answer.address !== address))
          .map((seen) => ({ ...seen, how: 'neighbour' as const, ageMs: 0 })),
        ...answered,
      ],
    })
  }

  /** The daemon's word that still holds, with what the kernel says now; null: it has to be asked. */
  async function lookAround(session: NodeSession, limits: CallLimits): Promise<VrrpReading | null> {
    const trackedFiles = word?.tracked.flatMap(({ path }) => path ?? []) ?? []
    const seen = await look(session, [...configPaths, ...trackedFiles], limits)
    const now = clock.monotonic()
    if (seen.signs !== signs) changedAt = now
    signs = seen.signs
    if (word === null || now - word.at >= DAEMON_WORD_MAX_AGE_MS || now - changedAt < settleMs) return null
    return readingOf(word, seen)
  }

  async function ask(session: NodeSession, limits: CallLimits): Promise<VrrpReading> {
    word = null
    const before = signs
    // sudo reports every refusal to the node's administrator, so an account that was refused once does not ask every round.
    const reply = mayAsk ? await askDaemon(session, pidFile, limits) : await askKernelOnly(session, limits)
    const at = clock.monotonic()
    const dumped = reply.json !== null ? parseJsonDump(reply.json) : reply.data !== null ? parseDataInstances(reply.data) : null
    if (dumped === null) known ??= await instancesOnDisk(session, config, limits)
    const { pid, uptimeS, kernel } = reply
    const said: Word = { pid, uptimeS, dumped, tracked: reply.data === null ? [] : parseTracked(reply.data), at }
    const reading = readingOf(said, reply)
    if (reading.daemonAnswered) {
      known = knownFromReading(reading.instances)
      word = said
      // an address came or went meanwhile: nobody knows whether that was before its word or after
      if (before?.endsWith(kernelSigns(kernel)) === false) signs = null
    }
    return reading
  }

  async function observe(session: NodeSession, limits: CallLimits): Promise<VrrpReading> {
    const { answers, ageMs } = await segment.answers()
    answered = answers.map((answer) => ({ ...answer, how: 'arp', ageMs }))
    const reading = (mayAsk ? await lookAround(session, limits) : null) ?? (await ask(session, limits))
    segment.ask(session, reading.instances, limits)
    return reading
  }

  async function readConfig(session: NodeSession, limits: CallLimits): Promise<ConfigFileReading[]> {
    const reading = await ask(session, limits).catch((thrown: unknown) => {
      // the files are worth reading where the daemon cannot be asked
      if (thrown instanceof AppError && /^(exec|daemon)\./.test(thrown.code)) return null
      throw thrown
    })
    return readKeepalivedFiles(session, config, reading, limits)
  }

  return {
    kind: 'keepalived',
    observe,
    serverAdmin: null,
    readConfig,
    configAdmin: mayEdit ? createKeepalivedConfigAdmin({ clock, service, config, ask, readFiles: readConfig }) : null,
  }
}

async function instancesOnDisk(session: NodeSession, config: string, limits: CallLimits): Promise<KnownInstance[]> {
  const read = await readConfigIfPossible(session, config, limits)
  return read === null ? [] : instancesOf(read.lines)
}
