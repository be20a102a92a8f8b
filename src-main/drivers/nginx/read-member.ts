import type { ProbedService } from '#contract'
import { AppError } from '../../app/app-error.ts'
import type { ConfigFileReading, ServerPreImage } from '../../app/ports/driver.ts'
import type { CallLimits, NodeSession } from '../../app/ports/node-session.ts'
import { findMember, type ConfigSource, type Member, type MemberRef } from '../../domain/nginx/member-edit.ts'
import { parseTree } from '../../domain/nginx/config-tree.ts'
import { workersOf } from '../../domain/nginx/worker-generations.ts'
import { runScript } from '../linux/run.ts'
import { readNginxFiles } from './config-files.ts'
import type { RunningNginx } from './change-config.ts'
import { commandFrom } from './detect.ts'
import { listNginxProcesses } from './processes.ts'

/**
 * $1: process ids separated by blanks, $2 …: files. The clock, the oldest process's start and each file's time of change, in seconds of one
 * clock. USER_HZ is 100 on every Linux that runs a load balancer.
 */
const timesScript = `
read -r up rest < /proc/uptime
date +%s.%N
first=
for pid in $1; do
  { read -r stat < "/proc/$pid/stat"; } 2>/dev/null || continue
  ticks=$(echo "\${stat##*) }" | cut -d' ' -f20)
  if [ -z "$first" ] || [ "$ticks" -lt "$first" ]; then first=$ticks; fi
done
echo "$up" "\${first:--1}"
shift
for file; do stat -L -c %.3Y -- "$file"; done
`
/** HAProxy's bit for a server that was drained by command: to the console, a member that is out is that. */
const outBit = 0x08
/** /proc/uptime and process start times have hundredths of a second. */
const toleranceS = 0.05

export interface MemberOnNode {
  /** with their bytes */
  files: (ConfigFileReading & { bytes: Buffer; sha256: string })[]
  member: Member | null
  running: RunningNginx
  /** the current workers began after the member's files were changed */
  isLoaded: boolean
}

/** The bytes of a file as text, one character each. */
export const textOf = ({ bytes }: { bytes: Buffer }): string => bytes.toString('latin1')

/** A member as the files have it, and whether that is what nginx runs. */
export async function readMember(
  session: NodeSession,
  service: ProbedService,
  ref: MemberRef,
  limits: CallLimits,
): Promise<MemberOnNode> {
  const read = await readNginxFiles(session, service, limits)
  const files = read.flatMap((file) => {
    if (file.bytes !== null && file.sha256 !== null) return [{ ...file, bytes: file.bytes, sha256: file.sha256 }]
    // A plain include of a file that is not there is for `nginx -t` to refuse.
    if (file.error?.code === 'exec.not-found') return []
    throw file.error ?? new AppError('exec.failed', `${file.path} on ${session.nodeId} could not be read.`)
  })
  const { masterPid, workerPids } = await readMaster(session, service, limits)
  const sources = files.map((file): ConfigSource => ({ path: file.path, text: textOf(file) }))
  const running = { command: commandFrom(service.endpoints), masterPid, workerPids, errorLog: errorLogIn(sources) }
  const member = findMember(sources, ref, service.version)
  const paths = [...new Set(member?.lines.map(({ file }) => file))]
  return {
    files,
    member,
    running,
    isLoaded: await startedAfter(session, running.workerPids, paths, limits),
  }
}

/** The master that counts, and the workers of its current generation. @throws AppError `daemon.not-running` */
export async function readMaster(
  session: NodeSession,
  service: ProbedService,
  limits: CallLimits,
): Promise<Pick<RunningNginx, 'masterPid' | 'workerPids'> & { allPids: ReadonlySet<number> }> {
  const { all, masters } = await listNginxProcesses(session, limits)
  const master = masters.find(({ pid }) => pid === service.pid) ?? masters[0]
  if (master === undefined) {
    throw new AppError('daemon.not-running', `nginx does not run on ${session.nodeId}. Start it, or probe the node again.`)
  }
  const workerPids = workersOf(master.pid, all).flatMap(({ pid, generation }) => (generation === 'current' ? [pid] : []))
  const own = all.filter(({ pid, parentPid }) => pid === master.pid || parentPid === master.pid)
  return { masterPid: master.pid, workerPids, allPids: new Set(own.map(({ pid }) => pid)) }
}

async function startedAfter(session: NodeSession, pids: readonly number[], paths: readonly string[], limits: CallLimits) {
  const { stdout } = await runScript(session, timesScript, [pids.join(' '), ...paths], { ...limits, maxBytes: 64 * 1024 })
  const [clock, times = '', ...changed] = stdout.toString('utf8').trim().split('\n')
  const [up = 0, ticks = -1] = times.split(' ').map(Number)
  if (ticks < 0 || changed.length !== paths.length) return false
  const startedAt = Number(clock) - (up - ticks / 100)
  return changed.every((at) => Number(at) <= startedAt + toleranceS)
}

/** The main file's own; without one, or with one that is no file, nothing is read. */
export function errorLogIn([main]: readonly Pick<ConfigSource, 'text'>[]): string | null {
  const path = parseTree('', main?.text ?? '').directives.find(({ words: [name] }) => name.text === 'error_log')?.words[1]?.text
  return path?.startsWith('/') === true ? path : null
}

/** Null: the configuration has no such member. */
export function preImageOf(pool: string, server: string, { member, files, isLoaded }: MemberOnNode): ServerPreImage | null {
  if (member === null) return null
  return {
    pool,
    server,
    adminState: member.isOut && isLoaded ? outBit : 0,
    weight: member.weight,
    configuredWeight: member.weight,
    address: server,
    lines: member.lines.map((line) => ({ ...line, sha256: hashOf({ files }, line.file), word: member.word })),
  }
}

export const hashOf = ({ files }: Pick<MemberOnNode, 'files'>, path: string): string =>
  files.find((file) => file.path === path)?.sha256 ?? ''
