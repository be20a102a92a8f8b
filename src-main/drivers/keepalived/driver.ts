import { AppError } from '../../app/app-error.ts'
import type { Clock } from '../../app/ports/clock.ts'
import type { BoundService, Detected, Driver } from '../../app/ports/driver.ts'
import type { CallLimits, NodeSession } from '../../app/ports/node-session.ts'
import type { VrrpReading } from '../../domain/fleet/reading.ts'
import { instancesOf } from '../../domain/keepalived/parse-config.ts'
import { parseDataInstances, parseTracked } from '../../domain/keepalived/parse-data-dump.ts'
import { parseIpAddr } from '../../domain/keepalived/parse-ip-addr.ts'
import { parseJsonDump } from '../../domain/keepalived/parse-json-dump.ts'
import { knownFromReading, readingFromKeepalived, type KnownInstance } from '../../domain/keepalived/reading.ts'
import { askDaemon, askKernelOnly, defaultPidFile } from './ask-daemon.ts'
import { readKeepalivedFiles } from './config-files.ts'
import { defaultConfig, detectKeepalived, kernelOnly } from './detect.ts'
import { readConfigIfPossible } from './read-config.ts'

/** keepalived's VRRP side, observing only. */
export function createKeepalivedDriver(_parts: { clock: Clock }): Driver {
  return { kind: 'keepalived', detect: detectKeepalived, bind: bindKeepalived }
}

/**
 * A daemon that does not answer (stopped, killed, crashed) still has its addresses in the kernel, so a reading is made all the
 * same, from the instances it last told of. Before its first answer they come from the configuration on disk, read once.
 */
function bindKeepalived({ service }: Detected): BoundService {
  const pidFile = service.endpoints['pidFile'] ?? defaultPidFile
  const config = service.endpoints['config'] ?? defaultConfig
  const mayAsk = service.privilege !== kernelOnly
  let known: KnownInstance[] | null = null

  async function observe(session: NodeSession, limits: CallLimits): Promise<VrrpReading> {
    // sudo reports every refusal to the node's administrator, so an account that was refused once does not ask every round.
    const reply = mayAsk ? await askDaemon(session, pidFile, limits) : await askKernelOnly(session, limits)
    const kernel = parseIpAddr(reply.kernel)
    if (kernel === null) {
      throw new AppError(
        'daemon.unexpected-reply',
        'The addresses of this node cannot be read: "ip -j addr" did not answer with JSON. Install iproute2 4.13 or newer.',
      )
    }
    const dumped = reply.json !== null ? parseJsonDump(reply.json) : reply.data !== null ? parseDataInstances(reply.data) : null
    if (dumped === null) known ??= await instancesOnDisk(session, config, limits)
    const reading = readingFromKeepalived({
      version: service.version,
      pid: reply.pid,
      uptimeS: reply.uptimeS,
      running: reply.pid !== null,
      dumped,
      tracked: reply.data === null ? [] : parseTracked(reply.data),
      fallback: known ?? [],
      kernel,
    })
    if (reading.daemonAnswered) known = knownFromReading(reading.instances)
    return reading
  }

  return {
    kind: 'keepalived',
    observe,
    serverAdmin: null,
    async readConfig(session, limits) {
      const reading = await observe(session, limits).catch((thrown: unknown) => {
        // the files are worth reading where the daemon cannot be asked
        if (thrown instanceof AppError && /^(exec|daemon)\./.test(thrown.code)) return null
        throw thrown
      })
      return readKeepalivedFiles(session, config, reading, limits)
    },
  }
}

async function instancesOnDisk(session: NodeSession, config: string, limits: CallLimits): Promise<KnownInstance[]> {
  const read = await readConfigIfPossible(session, config, limits)
  return read === null ? [] : instancesOf(read.lines)
}
