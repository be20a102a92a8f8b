import { serverOptionsFrom, type ServerOption } from '../../../domain/haproxy/config/server-options.ts'
import type { Section } from '../../../domain/haproxy/config/tree.ts'
import { isIpAddress } from '../host.ts'
import { nearestWord } from '../word-distance.ts'
import { compileAcl, compileCondition, ConditionError } from './condition.ts'
import { compileRule, requestActions, responseActions, UnknownAction } from './http-rules.ts'
import type { ConfigLine, Progress, ProxyDraft } from './proxy-draft.ts'
import type { Reporter } from './reporter.ts'
import { checkWords, parseHostAndPort, parseServerLine, ServerLineError } from './server-line.ts'

/** Lines of a proxy that are read with the proxy, not one by one. */
export const structural = new Set(['bind', 'server', 'default-server', 'acl', 'use_backend', 'http-request', 'http-response'])

/** Reads one of those lines into the draft. */
export function checkStructural(
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

const bindOptions = new Set(['transparent', 'name', 'backlog', 'tfo', 'defer-accept'])
const bindValues = new Set(['name', 'backlog'])

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
