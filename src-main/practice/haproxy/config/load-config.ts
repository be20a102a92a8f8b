/*
 * From files to a configuration that can run, with every complaint in HAProxy 2.6.12's words and order: first each file's lines, then what
 * only the whole shows (names, backends, time limits), then the addresses of servers.
 */
import { parseConfig } from '../../../domain/haproxy/config/tree.ts'
import { viewOf, type ConfigFile } from '../../../domain/haproxy/config/view.ts'
import { PosixError, type Machine } from '../../machine/machine.ts'
import { configFilesAt } from '../host.ts'
import { buildProxy, type ProxyParts } from './build-proxy.ts'
import { checkLines } from './check-lines.ts'
import { checkWhole, resolveServers } from './check-whole.ts'
import { readGlobal } from './global-section.ts'
import type { LineContext } from './keywords.ts'
import { draftKey, type Progress, type ProxyDraft } from './proxy-draft.ts'
import type { Reporter } from './reporter.ts'
import type { ProxySettings, RunningConfig } from './settings.ts'

interface ConfigSource {
  readonly machine: Machine
  /** absolute */
  readonly paths: readonly string[]
  /** as they were written on the command line, which is how messages name them */
  readonly names: readonly string[]
  readonly uid: number
}

/** Null: there were alerts. */
export function loadConfig(source: ConfigSource, context: LineContext, report: Reporter): RunningConfig | null {
  const files = readFiles(source, report)
  if (files === null) return null
  const before = report.alerts
  const parts = new Map<string, ProxyDraft>()
  const progress: Progress = { lastProxyId: 1, aborted: false }
  for (const file of files) {
    const alerts = report.alerts
    checkLines(file, context, report, parts, progress)
    if (report.alerts > alerts) report.alert(`config : Error(s) found in configuration file : ${file.path}`)
  }
  const config = report.alerts > before ? null : assemble(files, parts, context, report)
  if (config === null) {
    if (!progress.aborted) report.alert('config : Fatal errors found in configuration.')
    return null
  }
  return resolveServers(config, parts, report) ? config : null
}

function readFiles({ machine, paths, names, uid }: ConfigSource, report: Reporter): ConfigFile[] | null {
  const files: ConfigFile[] = []
  for (const [index, path] of paths.entries()) {
    const name = names[index] ?? path
    try {
      for (const each of configFilesAt(machine, path, name, uid))
        files.push({ path: each.name, tree: parseConfig(machine.files.read(each.path, uid).toString('utf8')) })
    } catch (thrown) {
      if (!(thrown instanceof PosixError)) throw thrown
      report.alert(`config : Cannot open configuration file/directory ${name} : ${thrown.message}`)
      return null
    }
  }
  return files
}

/** Null: alerts were reported. */
function assemble(
  files: readonly ConfigFile[],
  drafts: ReadonlyMap<string, ProxyDraft>,
  context: LineContext,
  report: Reporter,
): RunningConfig | null {
  const before = report.alerts
  const view = viewOf(files)
  const global = readGlobal(view.global, context)
  const backends = new Set(view.proxies.filter(({ kind }) => kind !== 'frontend').map(({ name }) => name))
  const proxies = view.proxies.flatMap((proxy) => {
    const draft = drafts.get(draftKey(proxy.kind, proxy.name))
    if (draft === undefined) return []
    checkWhole(proxy, draft, backends, report)
    const parts: ProxyParts = {
      ...draft,
      servers: draft.servers.map(({ settings }) => settings),
      routes: [
        ...draft.routes,
        ...proxy.routes
          .filter(({ condition }) => condition === null)
          .slice(-1)
          .map(lastRoute),
      ],
    }
    return report.alerts > before ? [] : [buildProxy(proxy, parts, global.maxconn)]
  })
  return report.alerts > before ? null : { global, proxies: proxies.map((proxy) => withFullconn(proxy, proxies)) }
}

const lastRoute = ({ backend }: { backend: string }) => ({ backend, condition: null })

/** A tenth of what the frontends that lead here may carry. */
function withFullconn(proxy: ProxySettings, all: readonly ProxySettings[]): ProxySettings {
  if (proxy.fullconn > 0) return proxy
  const leading = all.filter(({ name, routes }) => name === proxy.name || routes.some(({ backend }) => backend === proxy.name))
  const carried = leading.filter(({ kind }) => kind !== 'backend').reduce((sum, { maxconn }) => sum + maxconn, 0)
  return { ...proxy, fullconn: Math.max(1, Math.ceil(carried / 10)) }
}
