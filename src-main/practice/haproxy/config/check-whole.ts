import { settingOf, type ProxyView } from '../../../domain/haproxy/config/view.ts'
import { isIpAddress } from '../host.ts'
import { draftKey, type ProxyDraft } from './proxy-draft.ts'
import { placeText, type Reporter } from './reporter.ts'
import type { RunningConfig } from './settings.ts'

/** What only a whole proxy shows: backends it names, servers of one name, missing time limits. */
export function checkWhole(proxy: ProxyView, draft: ProxyDraft, backends: ReadonlySet<string>, report: Reporter): void {
  const kindWord = proxy.kind === 'listen' ? 'proxy' : proxy.kind
  if (proxy.kind !== 'backend' && proxy.binds.length === 0)
    report.warning(
      `config : ${kindWord} '${proxy.name}' has no 'bind' directive. Please declare it as a backend if this was intended.`,
    )
  // The daemon would choose by address here; a practice balancer has one backend for each TCP frontend.
  if (proxy.kind !== 'backend' && draft.routes.length > 0 && settingOf(proxy, 'mode')?.values[0] !== 'http')
    report.alert(`config : Proxy '${proxy.name}': unknown keyword 'use_backend' in mode tcp.`)
  if (proxy.kind !== 'backend') {
    for (const { backend, condition } of proxy.routes) {
      if (backends.has(backend)) continue
      const keyword = condition === null ? 'default_backend' : 'use_backend'
      report.alert(`config : Proxy '${proxy.name}': unable to find required ${keyword}: '${backend}'.`)
    }
  }
  const lineOf = new Map<string, number>()
  for (const { settings, line } of draft.servers) {
    const first = lineOf.get(settings.name)
    if (first !== undefined)
      report.alert(
        `config : parsing ${placeText({ file: draft.file, line })} : ${kindWord} '${proxy.name}', another server named '${settings.name}' was already defined at line ${first}, please use distinct names.`,
      )
    lineOf.set(settings.name, line)
    if (settings.check !== null && settings.port === 0 && settings.check.port === null)
      report.alert(
        `config : config: ${kindWord} '${proxy.name}': server '${settings.name}' has neither service port nor check port.`,
      )
  }
  const needed =
    proxy.kind === 'frontend' ? ['client'] : proxy.kind === 'backend' ? ['connect', 'server'] : ['client', 'connect', 'server']
  const serves = proxy.kind === 'frontend' || draft.servers.length > 0
  if (serves && needed.some((name) => settingOf(proxy, `timeout ${name}`) === null)) {
    report.warning(
      `config : missing timeouts for ${kindWord} '${proxy.name}'.
   | While not properly invalid, you will certainly encounter various problems
   | with such a configuration. To fix this, please ensure that all following
   | timeouts are set to a non-zero value: 'client', 'connect', 'server'.`,
    )
  }
}

/** A practice machine has no resolver but /etc/hosts, which is not asked either: servers are named by their addresses. */
export function resolveServers(config: RunningConfig, drafts: ReadonlyMap<string, ProxyDraft>, report: Reporter): boolean {
  let resolved = true
  for (const proxy of config.proxies) {
    for (const { settings, host, file, line } of drafts.get(draftKey(proxy.kind, proxy.name))?.servers ?? []) {
      if (isIpAddress(settings.address) || host === 'localhost') continue
      resolved = false
      report.alert(
        `config : ${placeText({ file, line })} : 'server ${proxy.name}/${settings.name}' : could not resolve address '${host}'.`,
      )
    }
  }
  if (!resolved) report.alert('config : Failed to initialize server(s) addr.')
  return resolved
}
