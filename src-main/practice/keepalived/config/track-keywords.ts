import type { ConfigLine } from './read-lines.ts'
import type { Keyword, Keywords, Parser } from './parser.ts'
import type { Settings, TrackFile, TrackProcess, TrackReference, TrackScript } from './settings.ts'

/** Above what keepalived's own integers hold nothing is meant. */
const maxInt = 2_147_483_647

export function scriptKeyword(parser: Parser, settings: Settings, userExists: (name: string) => boolean): Keyword {
  let script: TrackScript = emptyScript('')
  const count = (field: 'rise' | 'fall', text: string): void => {
    const value = parser.whole(text, 1, maxInt)
    if (value === null) parser.fault(`(${script.name}): vrrp script ${field} value '${text}' invalid, defaulting to 1`)
    script[field] = value ?? 1
  }
  return {
    take: (line) => void (script = emptyScript(parser.word(line, 1))),
    block: {
      script: {
        take: (line) => void (script.argv = wordsOfCommand(line)),
      },
      interval: {
        take(line) {
          const text = parser.word(line, 1)
          const value = parser.decimal(text, 0, maxInt / 1_000_000)
          if (value === null)
            parser.fault(`(${script.name}): vrrp script interval '${text}' must be between 1 and 4294 - ignoring`)
          else if (value === 0) parser.fault(`(${script.name}): vrrp script interval must be greater than 0, setting to 1`)
          script.intervalS = value === null || value === 0 ? 1 : value
        },
      },
      timeout: {
        take(line) {
          const text = parser.word(line, 1)
          const value = parser.decimal(text, 0, maxInt / 1_000_000)
          if (value === null) parser.fault(`(${script.name}): vrrp script timeout '${text}' invalid - ignoring`)
          else if (value === 0) parser.fault(`(${script.name}): vrrp script timeout must be greater than 0, setting to 1`)
          script.timeoutS = value === 0 ? 1 : (value ?? 0)
        },
      },
      weight: {
        take(line) {
          const text = parser.word(line, 1)
          const value = parser.whole(text, -253, 253)
          if (value === null) parser.fault(`vrrp_script ${script.name} weight ${text} must be in [-253, 253]`)
          script.weight = value ?? 0
          script.reverse = line.words[2] === 'reverse'
        },
      },
      rise: { take: (line) => count('rise', parser.word(line, 1)) },
      fall: { take: (line) => count('fall', parser.word(line, 1)) },
    },
    end() {
      const { scriptSecurity, scriptUser } = settings.global
      if (script.argv.length === 0) parser.fault(`No script set for vrrp_script ${script.name} - removing`)
      else if (!scriptSecurity || scriptUser !== null || userExists('keepalived_script')) settings.scripts.push(script)
      else {
        parser.fault('Unable to set default user keepalived_script for script')
        parser.fault(`Unable to set default user for vrrp script ${script.name} - removing`)
      }
    },
  }
}

const emptyScript = (name: string): TrackScript => ({
  name,
  argv: [],
  intervalS: 1,
  timeoutS: 0,
  weight: 0,
  reverse: false,
  rise: 1,
  fall: 1,
})

/** A command stands in quotes as one word, or bare as several. */
export const wordsOfCommand = (line: ConfigLine): string[] => {
  const [, first = '', ...rest] = line.words
  return rest.length > 0 ? [first, ...rest] : first.split(/\s+/).filter((word) => word !== '')
}

export function fileKeyword(parser: Parser, settings: Settings): Keyword {
  let file: TrackFile = emptyFile('')
  return {
    take: (line) => void (file = emptyFile(parser.word(line, 1))),
    block: {
      file: { take: (line) => void (file.path = parser.word(line, 1)) },
      weight: {
        take(line) {
          const text = parser.word(line, 1)
          const value = parser.whole(text, -254, 254)
          if (value === null) {
            parser.fault(`Weight (${text}) for track_file ${file.name} must be between [-254..254] inclusive. Ignoring...`)
          } else {
            file.weight = value
            file.reverse = line.words[2] === 'reverse'
          }
        },
      },
      init_file: {
        take(line) {
          file.init = { value: 0, overwrite: false }
          for (const word of line.words.slice(1)) {
            if (word === 'overwrite') file.init.overwrite = true
            else if (/^-?\d+$/.test(word)) file.init.value = Number(word)
            else parser.fault(`Unknown track file init option ${word}`)
          }
        },
      },
    },
    end() {
      if (file.path === '') parser.fault(`No file set for track_file ${file.name} - ignoring`)
      else settings.files.push(file)
    },
  }
}

const emptyFile = (name: string): TrackFile => ({ name, path: '', weight: 1, reverse: false, init: null })

export function processKeyword(parser: Parser, settings: Settings): Keyword {
  let tracked: TrackProcess = emptyProcess('')
  return {
    take: (line) => void (tracked = emptyProcess(parser.word(line, 1))),
    block: {
      process: { take: (line) => void (tracked.command = wordsOfCommand(line)) },
      quorum: {
        take(line) {
          const text = parser.word(line, 1)
          const value = parser.whole(text, 1, 65_535)
          if (value === null) {
            parser.fault(
              `Quorum (${text}) for vrrp_track_process ${tracked.name} must be between [1..65535] inclusive. Ignoring...`,
            )
          } else tracked.quorum = value
        },
      },
      weight: {
        take(line) {
          const text = parser.word(line, 1)
          const value = parser.whole(text, -254, 254)
          if (value === null) {
            parser.fault(
              `Weight (${text}) for vrrp_track_process ${tracked.name} must be between [-254..254] inclusive. Ignoring...`,
            )
          } else {
            tracked.weight = value
            tracked.reverse = line.words[2] === 'reverse'
          }
        },
      },
    },
    end() {
      if (tracked.command.length === 0) parser.fault(`track process '${tracked.name}' process name not specified`)
      else settings.processes.push(tracked)
    },
  }
}

const emptyProcess = (name: string): TrackProcess => ({ name, command: [], quorum: 1, weight: 0, reverse: false })

interface Referred {
  weight: number
  reverse: boolean
}

/** `track_script { name weight N reverse }` and its three siblings, in an instance. */
export function trackReferences(
  parser: Parser,
  settings: Settings,
  interfaceExists: (name: string) => boolean,
  owner: () => string,
  add: (reference: TrackReference) => boolean,
): Keywords {
  const references = (
    kind: TrackReference['kind'],
    noun: string,
    find: (name: string) => Referred | undefined,
    weightFault: (name: string, text: string) => string,
  ): Keyword => ({
    values(line) {
      const [name = '', ...options] = line.words
      const found = find(name)
      if (found === undefined) {
        parser.fault(
          kind === 'interface'
            ? `(${owner()}) tracked interface ${name} doesn't exist`
            : `(${owner()}) ${noun} ${name} not found, ignoring...`,
        )
        if (kind !== 'interface') return
      }
      const reference: TrackReference = { kind, name, weight: found?.weight ?? 0, reverse: found?.reverse ?? false }
      if (!add(reference)) return parser.fault(`(${owner()}) duplicate track_${kind} ${name} - ignoring`)
      const [option, text, direction] = options
      if (option === undefined) return
      if (option !== 'weight') return parser.fault(`(${owner()}) unknown ${noun} option ${option} - ignoring`)
      if (text === undefined) return parser.fault(`(${owner()}) weight without value specified for ${noun} ${name} - ignoring`)
      const weight = parser.whole(text, -254, 254)
      if (weight === null) return parser.fault(weightFault(name, text))
      reference.weight = weight
      reference.reverse = direction === 'reverse'
    },
  })
  const named =
    <T extends Referred & { name: string }>(list: () => T[]) =>
    (name: string): T | undefined =>
      list().find((each) => each.name === name)
  return {
    track_script: references(
      'script',
      'track script',
      named(() => settings.scripts),
      (name) => `(${owner()}) track script ${name}: weight must be between [-253..253] inclusive, ignoring...`,
    ),
    track_file: references(
      'file',
      'track file',
      named(() => settings.files),
      (name) => `(${owner()}) weight for track file ${name} must be in [-254..254] inclusive. Ignoring...`,
    ),
    track_process: references(
      'process',
      'track process',
      named(() => settings.processes),
      (name) => `(${owner()}) weight for track process ${name} must be in [-254..254] inclusive. Ignoring...`,
    ),
    track_interface: references(
      'interface',
      'track_interface',
      (name) => (interfaceExists(name) ? { weight: 0, reverse: false } : undefined),
      (name, text) => `(${owner()}) weight ${text} for ${name} must be between [-253..253] inclusive. Ignoring...`,
    ),
  }
}
