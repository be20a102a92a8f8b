import { isIPv6 } from 'node:net'
import type { Machine } from '../../machine/machine.ts'
import { completeSettings } from './complete-settings.ts'
import { globalKeywords } from './global-keywords.ts'
import { groupKeyword } from './group-keyword.ts'
import { instanceKeyword, type DraftInstance } from './instance-keywords.ts'
import { FatalConfig, parsePass, passes, type Keywords, type Parser, type Pass } from './parser.ts'
import { readConfigText } from './read-lines.ts'
import { emptySettings, type Settings } from './settings.ts'
import { fileKeyword, processKeyword, scriptKeyword } from './track-keywords.ts'

/** A message of a process about its configuration. */
interface ConfigMessage {
  pass: Pass
  text: string
  /** told in the log alone, not by `-t` */
  isInformation: boolean
}

export interface LoadedConfig {
  settings: Settings
  /** the files that were read */
  files: string[]
  missing: string[]
  messages: ConfigMessage[]
  /** 0, 2 (a parameter is missing), 5 (anything else), 6 (scripts without enable_script_security) */
  testCode: 0 | 2 | 5 | 6
  /** keepalived cannot run with this: a parameter or an interface is missing */
  isFatal: boolean
}

/** Top-level keywords by the process that reads them. The others leave them alone. */
const readBy: Readonly<Record<Pass, readonly string[]>> = {
  parent: ['global_defs'],
  checker: ['track_file', 'vrrp_track_file'],
  vrrp: ['track_file', 'vrrp_track_file', 'vrrp_instance', 'vrrp_sync_group', 'vrrp_script', 'vrrp_track_process'],
  bfd: [],
}
const everyKeyword = new Set(Object.values(readBy).flat())

/** Reads and judges the configuration at `path` (of the working directory `cwd`), as each of keepalived's four processes does. */
export function loadConfig(machine: Machine, path: string, cwd = '/'): LoadedConfig {
  const { lines, files, missing } = readConfigText(machine.files, path, cwd)
  const loaded: LoadedConfig = {
    settings: emptySettings(machine.name),
    files,
    missing,
    messages: [],
    testCode: 0,
    isFatal: false,
  }
  if (files.length === 0) return loaded
  const interfaces = new Set(['lo', machine.network.interfaceName])
  let interfaceMissing = false
  for (const pass of passes) {
    const report = (text: string): void => {
      loaded.messages.push({ pass, text, isInformation: false })
      loaded.testCode = 5
    }
    const inform = (text: string): void => void loaded.messages.push({ pass, text, isInformation: true })
    // What the checker reads of its own (track files) is thrown away: there is no virtual server here.
    const settings = pass === 'checker' ? { ...emptySettings(machine.name), global: loaded.settings.global } : loaded.settings
    const drafts: DraftInstance[] = []
    const keywords = (parser: Parser): Keywords => {
      const all: Keywords = {
        global_defs: { block: globalKeywords(parser, settings.global, (name) => userExists(machine, name)) },
        track_file: fileKeyword(parser, settings),
        vrrp_track_file: deprecated(inform, 'track_file', fileKeyword(parser, settings)),
        vrrp_script: scriptKeyword(parser, settings, (name) => userExists(machine, name)),
        vrrp_track_process: processKeyword(parser, settings),
        vrrp_sync_group: groupKeyword(parser, settings),
        vrrp_instance: instanceKeyword(
          parser,
          settings,
          (draft) => {
            if (drafts.some(({ name }) => name === draft.name)) return false
            drafts.push(draft)
            return true
          },
          (name) => interfaces.has(name),
          () => (interfaceMissing = true),
        ),
      }
      return Object.fromEntries(Object.entries(all).filter(([name]) => readBy[pass].includes(name)))
    }
    try {
      parsePass(pass, lines, keywords, everyKeyword, report)
    } catch (thrown) {
      if (!(thrown instanceof FatalConfig)) throw thrown
      loaded.testCode = 2
      loaded.isFatal = true
      return loaded
    }
    if (pass !== 'vrrp') continue
    if (interfaceMissing) {
      report('Non-existent interface specified in configuration')
      loaded.isFatal = true
      continue
    }
    for (const draft of drafts) draft.ipv6 = isIPv6(draft.addresses[0]?.address ?? '')
    const violatesSecurity = completeSettings(machine, settings, drafts, report, inform)
    if (violatesSecurity) loaded.testCode = 6
  }
  return loaded
}

const deprecated = (inform: (text: string) => void, better: string, keyword: ReturnType<typeof fileKeyword>) => ({
  ...keyword,
  take(line: Parameters<NonNullable<typeof keyword.take>>[0]) {
    inform(`"${line.words[0] ?? ''}" is deprecated, please use "${better}"`)
    keyword.take?.(line)
  },
})

function userExists(machine: Machine, name: string): boolean {
  if (name === 'root') return true
  try {
    return machine.files
      .read('/etc/passwd')
      .toString('utf8')
      .split('\n')
      .some((line) => line.startsWith(`${name}:`))
  } catch {
    // a machine without accounts
    return false
  }
}
