/*
 * From files to a configuration that can run, with every complaint in HAProxy 2.6.12's words and order: first each file's lines, then what
 * only the whole shows (names, backends, time limits), then the addresses of servers.
 */
import { parseConfig, sectionKinds, sectionsOf, type Section } from '../../../domain/haproxy/config/tree.ts'
import { serverOptionsFrom, type ServerOption } from '../../../domain/haproxy/config/server-options.ts'
import { settingOf, viewOf, type ConfigFile, type ProxyView } from '../../../domain/haproxy/config/view.ts'
import { isIpAddress, nextFile } from '../host.ts'
import { PosixError, type Machine } from '../../machine/machine.ts'
import { nearestWord } from '../word-distance.ts'
import { buildProxy, type ProxyParts } from './build-proxy.ts'
import { compileAcl, compileCondition, ConditionError, type Condition } from './condition.ts'
import { readGlobal } from './global-section.ts'
import { compileRule, requestActions, responseActions, UnknownAction, type CompiledRule } from './http-rules.ts'
import { globalKeywords, proxyKeywords, type LineContext } from './keywords.ts'
import { placeText, type Reporter } from './reporter.ts'
import { checkWords, parseHostAndPort, parseServerLine, ServerLineError } from './server-line.ts'
import type { ProxySettings, RunningConfig, ServerSettings } from './settings.ts'

export interface ConfigSource {
  readonly machine: Machine
  /** absolute */
  readonly paths: readonly string[]
  /** as they were written on the command line, which is how messages name them */
  readonly names: readonly string[]
  readonly uid: number
}

type ConfigLine = Section['lines'][number]

/** Lines of a proxy that are read with the proxy, not one by one. */
const structural = new Set(['bind', 'server', 'default-server', 'acl', 'use_backend', 'http-request', 'http-response'])
const proxySections = new Set(['defaults', 'frontend', 'backend', 'listen'])

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
      for (const each of nextFile(machine, path, name, uid))
        files.push({ path: each.name, tree: parseConfig(machine.files.read(each.path, uid).toString('utf8')) })
    } catch (thrown) {
      if (!(thrown instanceof PosixError)) throw thrown
      report.alert(`config : Cannot open configuration file/directory ${name} : ${thrown.message}`)
      return null
    }
  }
  return files
}

interface Progress {
  lastProxyId: number
  /** an error after which HAProxy looks no further */
  aborted: boolean
}

/** What was made of a proxy's lines on the way. */
interface ProxyDraft {
  readonly id: number
  readonly kind: string
  readonly file: string
  readonly line: number
  servers: { settings: ServerSettings; host: string; file: string; line: number }[]
  acls: Map<string, Condition[]>
  rules: CompiledRule[]
  answerRules: CompiledRule[]
  routes: { backend: string; condition: Condition | null }[]
}

function checkLines(
  file: ConfigFile,
  context: LineContext,
  report: Reporter,
  drafts: Map<string, ProxyDraft>,
  progress: Progress,
): void {
  const defaults = new Map<string, ServerOption[]>()
  let inherited: ServerOption[] = []
  for (const section of sectionsOf(file.tree)) {
    const at = (line: ConfigLine): string => placeText({ file: file.path, line: line.number })
    for (const line of section.head === null ? section.lines : [section.head, ...section.lines])
      checkText(line, at(line), report)
    if (section.head === null) {
      for (const line of section.lines) {
        const word = line.words[0]?.value
        if (word !== undefined) report.alert(`config : parsing ${at(line)}: unknown keyword '${word}' out of section.`)
      }
    } else if (section.kind === 'global') {
      for (const line of section.lines) checkKeyword(line, at(line), section, globalKeywords, context, report)
    } else if (proxySections.has(section.kind)) {
      const draft = openProxy(section, file.path, drafts, progress, report)
      const words = section.head.words.map(({ value }) => value)
      const parent = words.includes('from', 1) ? defaults.get(words[words.indexOf('from', 1) + 1] ?? '') : undefined
      const options = [...(parent ?? (section.kind === 'defaults' ? [] : inherited))]
      for (const line of section.lines) {
        const word = line.words[0]?.value ?? ''
        if (structural.has(word)) checkStructural(line, at(line), section, draft, options, report, progress)
        else checkKeyword(line, at(line), section, proxyKeywords, context, report)
      }
      if (section.kind === 'defaults') {
        inherited = options
        if (section.name !== null) defaults.set(section.name, options)
      }
    } else {
      report.alert(`config : parsing ${at(section.head)}: unknown keyword '${section.kind}' out of section.`)
    }
  }
  const last = file.tree.lines.at(-1)
  if (last?.end === '' && last.text !== '')
    report.alert(
      `config : parsing ${placeText({ file: file.path, line: last.number })}: Missing LF on last line, file might have been truncated at position ${last.text.length + 1}.`,
    )
}

/** What is wrong with the characters of a line. */
function checkText(line: ConfigLine, at: string, report: Reporter): void {
  if (line.problem !== null) {
    const { column, message } = line.problem
    const text = line.text.trimStart()
    const position = column - (line.text.length - text.length)
    report.alert(
      `config : parsing ${at}: ${message} at position ${column + 1}:\n  ${text}\n  ${' '.repeat(Math.max(0, position))}^`,
    )
  }
}

function checkKeyword(
  line: ConfigLine,
  at: string,
  section: Section,
  known: ReadonlyMap<string, (words: readonly string[], context: LineContext) => string | null>,
  context: LineContext,
  report: Reporter,
): void {
  const words = line.words.map(({ value }) => value)
  const keyword = words[0]
  if (keyword === undefined || line.problem !== null) return
  const check = known.get(keyword)
  if (check === undefined) {
    const near = nearestWord(keyword, [...known.keys(), ...(known === proxyKeywords ? structural : []), ...sectionKinds])
    const hint = near === null ? '' : `; did you mean '${near}' maybe ?`
    return report.alert(`config : parsing ${at} : unknown keyword '${keyword}' in '${section.kind}' section${hint}`)
  }
  const fault = check(words, context)
  if (fault !== null) report.alert(`config : parsing ${at}${fault.startsWith(':') ? `: ${fault.slice(1)}` : ` : ${fault}`}`)
}

function openProxy(
  section: Section,
  file: string,
  drafts: Map<string, ProxyDraft>,
  progress: Progress,
  report: Reporter,
): ProxyDraft {
  const line = section.head?.number ?? 0
  const draft: ProxyDraft = {
    id: section.kind === 'defaults' ? 0 : ++progress.lastProxyId,
    kind: section.kind,
    file,
    line,
    servers: [],
    acls: new Map(),
    rules: [],
    answerRules: [],
    routes: [],
  }
  if (section.kind === 'defaults') return draft
  const at = placeText({ file, line })
  if (section.name === null) {
    progress.aborted = true
    report.alert(`config : parsing ${at} : '${section.kind}' expects an <id> argument`)
    return draft
  }
  const key = draftKey(section.kind, section.name)
  // A frontend and a backend may share a name; a listen section is both.
  const taken = [
    key,
    ...(section.kind === 'listen' ? [`backend ${section.name}`, `frontend ${section.name}`] : [`listen ${section.name}`]),
  ]
    .map((each) => drafts.get(each))
    .find((each) => each !== undefined)
  if (taken !== undefined)
    report.alert(
      `config : Parsing ${at}: ${section.kind} '${section.name}' has the same name as ${taken.kind} '${section.name}' declared at ${taken.file}:${taken.line}.`,
    )
  else drafts.set(key, draft)
  return draft
}

const draftKey = (kind: string, name: string): string => `${kind} ${name}`

function checkStructural(
  line: ConfigLine,
  at: string,
  section: Section,
  draft: ProxyDraft,
  defaultServer: ServerOption[],
  report: Reporter,
  progress: Progress,
): void {
  const words = line.words.map(({ value }) => value)
  const [keyword, name = ''] = words
  if (line.problem !== null) return
  const lacks = (side: 'frontend' | 'backend'): boolean =>
    (side === 'frontend' && section.kind === 'backend') || (side === 'backend' && section.kind === 'frontend')
  const ignored = (): void =>
    report.warning(
      `config : parsing ${at} : '${keyword}' ignored because ${section.kind} '${section.name}' has no frontend capability.`,
    )
  switch (keyword) {
    case 'bind':
      if (lacks('frontend')) return ignored()
      return checkBind(words, at, section, report)
    case 'server':
    case 'default-server':
      if (lacks('backend')) {
        return report.alert(
          `config : ${at} : parsing ${at} : '${keyword}' not allowed because ${section.kind} '${section.name}' has no backend capability.`,
        )
      }
      try {
        if (keyword === 'default-server') {
          const { options, unknown } = serverOptionsFrom(line.words, 1)
          checkWords(options, unknown)
          defaultServer.push(...options)
        } else {
          const parsed = parseServerLine(line.words, defaultServer)
          draft.servers.push({ ...parsed, file: draft.file, line: line.number })
        }
      } catch (thrown) {
        if (!(thrown instanceof ServerLineError)) throw thrown
        const who = keyword === 'server' ? `'server ${section.name}/${name}'` : "'default-server'"
        report.alert(`config : ${at} : ${thrown.alone ? '' : `${who} : `}${thrown.message}`)
      }
      return
    case 'acl':
      return tell(
        report,
        `config : parsing ${at} : error detected while parsing ACL '${name}' : `,
        () => void draft.acls.set(name, [...(draft.acls.get(name) ?? []), compileAcl(words.slice(2))]),
      )
    case 'use_backend':
      if (lacks('frontend')) ignored()
      return tell(
        report,
        `config : parsing ${at} : error detected while parsing switching rule : `,
        () => void draft.routes.push({ backend: name, condition: compileCondition(words.slice(2), draft.acls) }),
      )
    case 'http-request':
    case 'http-response':
      if (!checkRule(keyword, words.slice(1), at, draft, report)) progress.aborted = true
      return
  }
}

function checkRule(keyword: string, words: readonly string[], at: string, draft: ProxyDraft, report: Reporter): boolean {
  const known: readonly string[] = keyword === 'http-request' ? requestActions : responseActions
  const action = words[0] ?? ''
  const before = report.alerts
  try {
    if (!known.includes(action)) throw new UnknownAction(action)
    tell(
      report,
      `config : parsing ${at} : error detected while parsing an '${keyword} ${action}' condition : `,
      () => void (keyword === 'http-request' ? draft.rules : draft.answerRules).push(compileRule(words, draft.acls)),
    )
  } catch (thrown) {
    if (!(thrown instanceof UnknownAction)) throw thrown
    const list = known.map((each) => `'${each}'`).join(', ')
    report.alert(`config : parsing ${at}: '${keyword}' expects ${list}, but got '${action}'.`)
  }
  return report.alerts === before
}

function tell(report: Reporter, prefix: string, work: () => void): void {
  try {
    work()
  } catch (thrown) {
    if (!(thrown instanceof ConditionError) && !(thrown instanceof SyntaxError)) throw thrown
    report.alert(prefix + thrown.message)
  }
}

const bindOptions = new Set(['transparent', 'name', 'maxconn', 'backlog', 'tfo', 'defer-accept'])
const bindValues = new Set(['name', 'maxconn', 'backlog'])

function checkBind(words: readonly string[], at: string, section: Section, report: Reporter): void {
  for (const address of (words[1] ?? '').split(',')) {
    try {
      const { host, port } = parseHostAndPort(address)
      if (port === 0) return report.alert(`config : parsing ${at} : 'bind' : missing port specification in '${address}'`)
      if (!['', '*'].includes(host) && !isIpAddress(host))
        return report.alert(`config : parsing ${at} : 'bind' : invalid address: '${host}' in '${address}'`)
    } catch (thrown) {
      if (!(thrown instanceof ServerLineError)) throw thrown
      return report.alert(`config : parsing ${at} : 'bind' : ${thrown.message}`)
    }
  }
  for (let word = 2; word < words.length; word++) {
    const option = words[word] ?? ''
    if (bindOptions.has(option)) {
      if (bindValues.has(option)) word += 1
      continue
    }
    const near = nearestWord(option, bindOptions)
    const hint = near === null ? '.' : `; did you mean '${near}' maybe ?`
    return report.alert(
      `config : parsing ${at} : 'bind ${words[1] ?? ''}' in section '${section.kind}': unknown keyword '${option}'${hint}`,
    )
  }
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

function checkWhole(proxy: ProxyView, draft: ProxyDraft, backends: ReadonlySet<string>, report: Reporter): void {
  const kindWord = proxy.kind === 'listen' ? 'proxy' : proxy.kind
  if (proxy.kind !== 'backend' && proxy.binds.length === 0)
    report.warning(
      `config : ${kindWord} '${proxy.name}' has no 'bind' directive. Please declare it as a backend if this was intended.`,
    )
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
function resolveServers(config: RunningConfig, drafts: ReadonlyMap<string, ProxyDraft>, report: Reporter): boolean {
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
