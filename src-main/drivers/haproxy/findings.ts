import type { ProbeFinding } from '#contract'
import type { NodeFacts } from '../../app/ports/driver.ts'
import type { LocatedSocket } from './read-config.ts'
import type { ReachedSocket, WhyNot } from './try-socket.ts'

/** What a probe may find missing, each with the exact line that would fix it. Fixes are shown, never run. */

export function notRunning(facts: NodeFacts): ProbeFinding {
  return {
    severity: 'error',
    rule: 'haproxy.not-running',
    message: 'HAProxy is installed and does not run.',
    fix: facts.initSystem === 'systemd' ? { where: 'a shell on the node', line: 'systemctl start haproxy' } : null,
  }
}

/** HAProxy runs, but none of its processes was started with the files that the inventory names. */
export function notWithThisConfig(pids: readonly number[], config: readonly string[]): ProbeFinding {
  return {
    severity: 'error',
    rule: 'haproxy.not-running',
    message: `HAProxy runs (pid ${pids.join(', ')}), but not with the configuration that the node's settings name: ${config.join(', ')}. Correct the path, or leave it out.`,
    fix: null,
  }
}

export function severalInstances(pids: readonly number[], chosen: number): ProbeFinding {
  return {
    severity: 'warning',
    rule: 'haproxy.several-instances',
    message: `${pids.length} instances of HAProxy run here (pids ${pids.join(', ')}); only ${chosen} is read. Name another one's configuration files in the node's settings to read that one.`,
    fix: null,
  }
}

const socketLine = 'stats socket /run/haproxy/admin.sock mode 660 level admin'

export function socketMissing(globalFile: string): ProbeFinding {
  return {
    severity: 'error',
    rule: 'haproxy.stats-socket-missing',
    message: 'HAProxy has no stats socket, so its servers cannot be read or changed. Reload it after adding the line.',
    fix: { where: `${globalFile}, section global`, line: socketLine },
  }
}

export function levelTooLow(socket: ReachedSocket, line: LocatedSocket | undefined, globalFile: string): ProbeFinding {
  const text = line?.text ?? `stats socket ${socket.target.path} mode 660`
  const raised = /\blevel\s+\S+/.test(text) ? text.replace(/\blevel\s+\S+/, 'level admin') : `${text} level admin`
  return {
    severity: 'warning',
    rule: 'haproxy.level-not-admin',
    message: `${socket.target.path} is of level ${socket.level}: servers can be watched and not changed. Reload HAProxy after the change.`,
    fix: { where: line === undefined ? `${globalFile}, section global` : `${line.file}:${line.line}`, line: raised },
  }
}

export function socketNotUsable(why: WhyNot, facts: NodeFacts, line: LocatedSocket | undefined, path: string): ProbeFinding {
  if (why.kind === 'not-permitted') return notPermitted(facts, line, path)
  const missing = why.kind === 'missing'
  return {
    severity: 'error',
    rule: missing ? 'haproxy.socket-not-found' : 'haproxy.socket-silent',
    message: missing
      ? `${path} does not exist, or the account ${facts.user} may not look into its folder. HAProxy may run with an older configuration; reload it.`
      : `${path} exists and did not answer. ${why.message}`,
    fix: null,
  }
}

/** Without a group in the configuration the socket belongs to the group HAProxy was started with: root's. */
function notPermitted(facts: NodeFacts, line: LocatedSocket | undefined, path: string): ProbeFinding {
  const group = line?.group ?? null
  return {
    severity: 'error',
    rule: 'haproxy.socket-not-permitted',
    message: `The account ${facts.user} may not open ${path}. ${group === null ? 'Give the socket a group and put the account into it' : 'Put the account into its group and log in anew'}, or allow sudo on this node.`,
    fix:
      group !== null
        ? { where: 'a root shell on the node', line: `usermod -aG ${group} ${facts.user}` }
        : line === undefined
          ? null
          : { where: `${line.file}:${line.line}`, line: withGroup(line.text) },
  }
}

function withGroup(text: string): string {
  const grouped = `${text} group haproxy`
  return /\bmode\s+\S+/.test(grouped) ? grouped.replace(/\bmode\s+\S+/, 'mode 660') : `${grouped} mode 660`
}

const noOldWorkers = 'old workers and the sessions they still serve after a reload cannot be seen'

export function masterSocketMissing(facts: NodeFacts, masterWorker: boolean): ProbeFinding {
  const systemd = facts.initSystem === 'systemd'
  return {
    severity: 'warning',
    rule: 'haproxy.master-socket-missing',
    message: `HAProxy was started without a master socket, so ${noOldWorkers}. Restart it after the change.`,
    fix: systemd
      ? { where: '/etc/default/haproxy (or the unit of HAProxy)', line: 'EXTRAOPTS="-S /run/haproxy-master.sock"' }
      : { where: "HAProxy's command line", line: `${masterWorker ? '' : '-W '}-S /run/haproxy-master.sock` },
  }
}

export function masterNotUsable(why: WhyNot, facts: NodeFacts, path: string): ProbeFinding {
  return {
    severity: 'warning',
    rule: 'haproxy.master-socket-not-usable',
    message:
      why.kind === 'not-permitted'
        ? `The account ${facts.user} may not open ${path}, so ${noOldWorkers}.`
        : `${path} could not be used, so ${noOldWorkers}. ${why.message}`,
    // Its bind options may give it to a group (management guide 2.6, `-S`).
    fix: why.kind === 'not-permitted' ? { where: "HAProxy's command line", line: `-S ${path},mode,660,group,haproxy` } : null,
  }
}
