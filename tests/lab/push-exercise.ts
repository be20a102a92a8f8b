import { createHash } from 'node:crypto'
import type { InputOf, NodeId, PushPhase, PushRecord } from '#contract'
import type { ConsoleOnLab } from './console-on-lab.ts'
import type { Lab } from './lab.ts'
import { waitUntil } from './run.ts'

export const haproxyFile = '/etc/haproxy/haproxy.cfg'

export type Request = InputOf<'push.start'>

export const onDisk = async (lab: Lab, node: string): Promise<string> => (await lab.exec(node, ['cat', haproxyFile])).stdout

/** Asks for a node's file, as it is now, with a change. */
export async function fileFor(lab: Lab, node: string, change: (text: string) => string): Promise<Request['files'][number]> {
  const text = await onDisk(lab, node)
  const baseSha256 = createHash('sha256').update(text).digest('hex')
  return { nodeId: node as NodeId, path: haproxyFile, baseSha256, text: change(text) }
}

/** The push as it is in the end. */
export async function ended({ client }: ConsoleOnLab, id: PushRecord['id']): Promise<PushRecord> {
  let push = await client.call('push.get', { push: id })
  await waitUntil('the push has ended', 150_000, async () => {
    push = await client.call('push.get', { push: id })
    return push.endedAt !== null
  }).catch((thrown: unknown) => {
    throw new Error(`${String(thrown)} ${JSON.stringify(push)}`)
  })
  return push
}

export const phasesOf = ({ targets }: PushRecord): Record<string, PushPhase> =>
  Object.fromEntries(targets.map(({ nodeId, phase }) => [nodeId, phase]))

/** The first server of a pool of three; see the lab's templates. */
const marked = /^( *server (?:web1|orders1) \S+ check)(?: weight \d+)?$/m

/** Changes nothing but a weight, by which a running HAProxy tells which file it has read. */
export const withWeight = (text: string, weight: number): string => text.replace(marked, `$1 weight ${weight}`)
export const weightIn = (text: string): number =>
  Number(/ server (?:web1|orders1) \S+ check weight (\d+)$/m.exec(text)?.[1] ?? 1)
/** Valid, and a third of what it was. */
export const withoutCapacity = (text: string): string => text.replace(/^ *server (?:web|orders)[23] .*\n/gm, '')

/** Of that server, as `show servers state` has it: its operational and administrative state, its weight, and the weight of its file. */
async function stateOf(lab: Lab, node: string): Promise<number[]> {
  const argv = ['socat', '-t5', '-', 'UNIX-CONNECT:/run/haproxy/admin.sock'] as const
  const { stdout } = await lab.exec(node, argv, { stdin: 'show servers state\n' })
  return (/^\d+ \S+ \d+ (?:web1|orders1) \S+ ((?:\d+ ){4})/m.exec(stdout)?.[1] ?? '').trim().split(' ').map(Number)
}

/** What the running HAProxy has been told of that server. */
export async function toldOf(lab: Lab, node: string): Promise<{ weight: number; isOut: boolean }> {
  const [, admin = NaN, weight = NaN] = await stateOf(lab, node)
  return { weight, isOut: admin !== 0 }
}

/** The weight that the running HAProxy has read for it. */
async function loadedWeight(lab: Lab, node: string): Promise<number> {
  return (await stateOf(lab, node))[3] ?? NaN
}

/** What is wrong with a node that must have one whole configuration in force and nothing left of a push; empty: nothing. */
export async function faultsOf(lab: Lab, node: string): Promise<string[]> {
  const sh = (script: string) => lab.exec(node, ['sh', '-c', script], { timeoutMs: 30_000 })
  const [text, loaded] = [await onDisk(lab, node), await loadedWeight(lab, node)]
  const left = (await sh("find /etc/haproxy -name '*evenkeel*'; ls -d /var/lib/evenkeel/haproxy 2>/dev/null")).stdout
  const { code, stderr } = await sh(`haproxy -c -q -f ${haproxyFile}`)
  return [
    ...(code === 0 ? [] : [`its file is not valid: ${stderr}`]),
    ...(loaded === weightIn(text) ? [] : [`its file says ${weightIn(text)}, HAProxy has ${loaded}`]),
    ...(left.trim() === '' ? [] : [`left over: ${left.trim()}`]),
  ]
}
