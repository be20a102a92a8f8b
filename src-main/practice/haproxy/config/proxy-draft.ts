import type { Section } from '../../../domain/haproxy/config/tree.ts'
import type { Condition } from './condition.ts'
import type { CompiledRule } from './http-rules.ts'
import { placeText, type Reporter } from './reporter.ts'
import type { ServerSettings } from './settings.ts'

export type ConfigLine = Section['lines'][number]

export interface Progress {
  lastProxyId: number
  /** an error after which HAProxy looks no further */
  aborted: boolean
}

/** What was made of a proxy's lines on the way. */
export interface ProxyDraft {
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

/** A new section; a name that is taken is told. */
export function openProxy(
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

export const draftKey = (kind: string, name: string): string => `${kind} ${name}`
