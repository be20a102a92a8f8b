import { distanceOf, fingerprintOf } from '../word-distance.ts'

/** `show servers conn [<backend>]  : …` is called by `show servers conn`; `@<relative pid>` by itself. */
function wordsOfUsage(usage: string): string[] {
  const form = usage.slice(0, usage.indexOf(': ')).trim()
  const literal = /^@/.test(form) ? [form] : form.split(/\s+/)
  const stop = literal.findIndex((word) => /^[<[({]/.test(word))
  const words = stop === -1 || form.startsWith('@') ? literal : literal.slice(0, stop)
  // its usage line has a misprint
  return words.join(' ') === 'new ssl crlfile' ? ['new', 'ssl', 'crl-file'] : words
}

const always = `  help [<command>]                        : list matching or all commands
  prompt                                  : toggle interactive mode with prompt
  quit                                    : disconnect
`
const mostMatches = 5

/** What HAProxy says of a command it does not know, and of `help` (cli_gen_usage_msg() of 2.6). */
export function usageReply(usages: readonly string[], words: readonly string[]): string {
  const isHelp = words[0] === 'help'
  const args = isHelp ? words.slice(1) : words
  const entries = usages.map((usage) => ({ usage, words: wordsOfUsage(usage) }))
  const exact = Math.max(0, ...entries.map((entry) => commonLength(entry.words, args)))
  const title = isHelp
    ? 'The following commands are valid at this level:\n'
    : args.length === 0
      ? 'Unknown command. Please enter one of the following commands only:\n'
      : 'Unknown command, but maybe one of the following ones is a better match:\n'
  const candidates = entries.filter((entry) => commonLength(entry.words, args) >= exact)
  const near = args.length > exact ? nearest(candidates, args, exact) : []
  const shown = (near.length > 0 ? near : candidates).map(({ usage }) => usage).sort((a, b) => (a < b ? -1 : 1))
  return title + shown.map((usage) => `  ${usage}\n`).join('') + always
}

interface Entry {
  usage: string
  words: readonly string[]
}

function commonLength(words: readonly string[], args: readonly string[]): number {
  const differs = words.findIndex((word, index) => args[index] !== word)
  return differs === -1 ? words.length : differs
}

/** The likeliest by their words behind the first `exact` ones. */
function nearest(entries: readonly Entry[], args: readonly string[], exact: number): Entry[] {
  // a command has five words at most
  const rest = args.slice(exact, 5)
  const print = fingerprintOf(rest)
  const length = (words: readonly string[]) => words.reduce((sum, word) => sum + word.length, 0)
  const scored = entries.flatMap((entry) => {
    const words = entry.words.slice(exact)
    const distance = distanceOf(print, fingerprintOf(words))
    return distance < Math.trunc((5 * (length(rest) + length(words))) / 2) ? [{ entry, distance }] : []
  })
  const best = scored.sort((a, b) => a.distance - b.distance).slice(0, mostMatches)
  const limit = Math.trunc((5 * (best[0]?.distance ?? 0)) / 2)
  return best.filter(({ distance }) => distance <= limit).map(({ entry }) => entry)
}
