import { isIP } from 'node:net'
import { AppError } from '../../../app/app-error.ts'
import type { Clock } from '../../../app/ports/clock.ts'
import type { FaultAdmin, FaultScope } from '../../../app/ports/fault-admin.ts'
import type { CallLimits, NodeSession } from '../../../app/ports/node-session.ts'
import { listProcesses } from '../processes.ts'
import { originOf } from '../process-origin.ts'
import { lastLine, run, runScript } from '../run.ts'
import { announceScript } from './announce.ts'
import { createDeadMan } from './dead-man.ts'
import type { FaultScripts } from './fault-scripts.ts'
import { advertsBlocked, backendLoss, isolate, linkDownOn, wordsOf } from './network-faults.ts'
import { takeSnapshot } from './node-snapshot.ts'
import { placeOf, priorityDrop, type InstancePlace } from './priority-drop.ts'
import { balancerCrash, balancerHang, keepalivedKill, keepalivedStop, type Origin } from './process-faults.ts'

/** Linux takes stranger names; keepalived and nft do not. */
const interfaceName = /^[\w.:-]{1,15}$/
/** What xargs, the guard and every fault are made of. */
const always = ['xargs', 'setsid', 'readlink', 'date', 'cut', 'sed', 'awk']

export function createFaultAdmin({ clock }: { clock: Clock }): FaultAdmin {
  const deadMan = createDeadMan({ clock })

  /** The fault, or why it cannot be one here. */
  async function scriptsOf(session: NodeSession, scope: FaultScope, limits: CallLimits): Promise<FaultScripts | string> {
    const { fault, instance, balancer, backends } = scope
    const files = scope.keepalived.map(({ path, bytes }) => ({ path, text: bytes.toString('latin1') }))
    const place = placeOf(files, instance)
    if (place === null)
      return `No vrrp_instance is called ${instance} in ${files.map(({ path }) => path).join(', ') || 'its files'}.`
    const origin = (name: string): Promise<Origin | null> => mainOrigin(session, name, limits)
    switch (fault.kind) {
      case 'priority-drop':
        return priorityDrop(files, instance)
      case 'keepalived-stop':
        return onRunning('keepalived', await origin('keepalived'), keepalivedStop)
      case 'keepalived-kill':
        return onRunning('keepalived', await origin('keepalived'), keepalivedKill)
      case 'balancer-crash':
        return onRunning(balancer, await origin(balancer), (found) => balancerCrash(balancer, found))
      case 'balancer-hang':
        return onRunning(balancer, await origin(balancer), () => balancerHang(balancer))
      case 'adverts-blocked':
        return onInterfaces(place, () => advertsBlocked(place.addresses, place.advertMs))
      case 'link-down':
        return onInterfaces(place, () => linkDownOn(place.interface))
      case 'isolate':
      case 'site-loss':
        return onInterfaces(place, () => isolate(place.interface, place.addresses, place.advertMs))
      case 'backend-loss': {
        const named = backends.filter(({ address }) => isIP(address) !== 0)
        return named.length === 0 ? 'It has no servers with an address of their own.' : backendLoss(named)
      }
    }
  }

  return {
    async describe(session, scope, limits) {
      const scripts = await scriptsOf(session, scope, limits)
      if (typeof scripts === 'string') return { blastRadius: '', inject: [], revert: [], missing: [scripts] }
      const { blastRadius, shown, tools } = scripts
      const missing = await toolsMissing(session, [...always, ...tools], limits)
      return { blastRadius, ...shown, missing }
    },
    snapshot: takeSnapshot,
    async inject(session, scope, guard, limits) {
      const scripts = await scriptsOf(session, scope, limits)
      if (typeof scripts === 'string')
        throw new AppError('drill.refused', `${scope.fault.kind} on ${session.nodeId}: ${scripts}`)
      return deadMan.inject(session, scripts, guard, limits)
    },
    heartbeat: (session, ticket, { expiresAfterMs }, limits) => deadMan.heartbeat(session, ticket, expiresAfterMs, limits),
    revert: (session, ticket, limits) => deadMan.revert(session, ticket, limits),
    standing: (session, limits) => deadMan.standing(session, limits),
    async connectionsTo(session, address, limits) {
      const source = address.includes(':') ? `[${address}]` : address
      const options = { ...limits, maxBytes: 4096 }
      const { stdout } = await runScript(session, connectionsScript, [source], options)
      return Number(stdout.toString('latin1').trim())
    },
    async announce(session, { instance, keepalived }, limits) {
      const place = placeOf(
        keepalived.map(({ path, bytes }) => ({ path, text: bytes.toString('latin1') })),
        instance,
      )
      const words = wordsOf(place?.addresses ?? [])
      const options = { ...limits, privileged: true, maxBytes: 64 * 1024 }
      const { code, stderr } = await run(session, ['sh', '-c', announceScript, 'evenkeel', ...words], options)
      limits.record({
        at: clock.now(),
        via: 'ssh',
        command: `announce ${words.join(' ')}`,
        exitCode: code,
        reply: lastLine(stderr),
      })
    },
  }
}

const connectionsScript = `
PATH="$PATH:/usr/sbin:/sbin:/usr/bin:/bin"
ss -Hnt state established src "$1" | wc -l
`

function onRunning(name: string, origin: Origin | null, make: (origin: Origin) => FaultScripts): FaultScripts | string {
  if (origin === null) return `${name} does not run there.`
  if (origin.unit === null && origin.argv.length === 0) return `${name} runs there, and how it was started is not known.`
  return make(origin)
}

function onInterfaces({ interface: own, addresses }: InstancePlace, make: () => FaultScripts): FaultScripts | string {
  const bad = [own, ...addresses.map((each) => each.interface)].find((name) => !interfaceName.test(name))
  return bad === undefined ? make() : `The interface ${JSON.stringify(bad)} is none that a rule can name.`
}

/** Of the process that no other of its name has started. */
async function mainOrigin(session: NodeSession, name: string, limits: CallLimits): Promise<Origin | null> {
  const all = await listProcesses(session, [`${name}*`], limits)
  const main = all.find(({ isRoot, parentPid }) => isRoot && !all.some(({ pid }) => pid === parentPid))
  return main === undefined ? null : originOf(session, main.pid, limits)
}

const toolsScript = `
PATH="$PATH:/usr/sbin:/sbin:/usr/bin:/bin"
for tool; do command -v "\${tool%|*}" >/dev/null || command -v "\${tool#*|}" >/dev/null || echo "$tool"; done
`

async function toolsMissing(session: NodeSession, tools: readonly string[], limits: CallLimits): Promise<string[]> {
  try {
    const options = { ...limits, privileged: true, maxBytes: 4096 }
    const { stdout } = await run(session, ['sh', '-c', toolsScript, 'evenkeel', ...tools], options)
    const names = stdout.toString('utf8').split('\n').filter(Boolean)
    return names.map((tool) => `The node has no ${tool.replace('|', ' and no ')}, which this takes.`)
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code.startsWith('exec.')) return [`This takes root on the node: ${thrown.message}`]
    throw thrown
  }
}
