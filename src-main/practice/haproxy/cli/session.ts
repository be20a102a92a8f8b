import type { Duplex } from 'node:stream'
import type { SocketLevel } from '../../../domain/haproxy/config-sockets.ts'
import type { PracticeClock, PracticeProcess } from '../../machine/machine.ts'

/*
 * One connection to a runtime socket, as 2.6.12 treats it (each rule was measured): nothing is answered before its line feed; a reply is
 * the command's text and a line feed; after the last line that has arrived the connection is closed, unless `prompt` keeps it open. A line
 * that does not fit into the buffer is never answered, and its slot is lost for ever. A stopped process answers nothing until it goes on.
 */

export interface CliSession {
  level: SocketLevel
  interactive: boolean
  /** silence after which the connection is closed; the configuration's `stats timeout`, or `set timeout cli` */
  timeoutMs: number
  /** what stands behind a reply while interactive */
  readonly prompt: string
  /** the master's: the connection stays open after a command */
  readonly stays: boolean
  execute(words: readonly string[], session: CliSession): CliReply | Promise<CliReply>
}

export interface CliReply {
  /** without its final line feed; null: nothing at all */
  readonly text: string | null
  readonly closes: boolean
}

/** bufsize 16384 less maxrewrite 1024 */
const mostLineBytes = 15_360

interface CliOptions {
  clock: PracticeClock
  process: PracticeProcess
  session: CliSession
  /** the slot is free again; not called for one that leaked */
  closed(): void
}

export function serveCli(stream: Duplex, { clock, process, session, closed }: CliOptions): void {
  let pending = ''
  let leaked = false
  let serving = Promise.resolve()
  let cancelTimer = (): void => undefined
  const arm = (): void => {
    cancelTimer()
    cancelTimer = clock.after(session.timeoutMs, () => stream.destroy())
  }
  // Only a connection that never sent anything is timed out, or one whose timeout was set by hand.
  arm()

  stream.on('data', (chunk: Buffer) => {
    cancelTimer()
    pending += chunk.toString('latin1')
    if (pending.length > mostLineBytes) leaked = true
    if (leaked) return
    serving = serving.then(serveLines).catch(() => void stream.destroy())
  })
  stream.on('end', () => {
    serving = serving.then(() => void (leaked || stream.writableEnded || stream.end()))
  })
  stream.on('error', () => stream.destroy())
  stream.once('close', () => {
    cancelTimer()
    if (!leaked) closed()
  })

  async function serveLines(): Promise<void> {
    await process.running()
    let answered = false
    for (let feed = pending.indexOf('\n'); feed !== -1 && !stream.writableEnded; feed = pending.indexOf('\n')) {
      const line = pending.slice(0, feed).replace(/\r$/, '')
      pending = pending.slice(feed + 1)
      await answerLine(line)
      answered = true
    }
    if (!answered || stream.destroyed || stream.writableEnded) return
    if (!session.interactive && !session.stays) stream.end()
    else if (session.interactive) arm()
  }

  async function answerLine(line: string): Promise<void> {
    for (const command of splitCommands(line)) {
      const { text, closes } = await session.execute(command, session)
      const prompt = session.interactive && !closes ? session.prompt : ''
      stream.write(`${text === null ? '' : `${text}\n`}${prompt}`, 'latin1')
      if (closes) return void stream.end()
    }
  }
}

/** Commands between `;`, words between blanks; a backslash takes the next character as it is. */
function splitCommands(line: string): string[][] {
  const commands: string[][] = [[]]
  let word: string | null = null
  const finish = (): void => {
    if (word !== null) commands.at(-1)?.push(word)
    word = null
  }
  for (let at = 0; at < line.length; at++) {
    const character = line.charAt(at)
    if (character === '\\') {
      at += 1
      word = (word ?? '') + line.charAt(at)
    } else if (character === ';') {
      finish()
      commands.push([])
    } else if (character === ' ' || character === '\t') finish()
    else word = (word ?? '') + character
  }
  finish()
  return commands
}

/** At most `slots` connections are served at a time; the next one waits, connected, until one of them ends. */
export function createSlots(slots: number): { take(start: (release: () => void) => void): void } {
  const waiting: ((release: () => void) => void)[] = []
  let free = slots
  const release = (): void => {
    free += 1
    const next = waiting.shift()
    if (next !== undefined) run(next)
  }
  const run = (start: (release: () => void) => void): void => {
    free -= 1
    start(release)
  }
  return {
    take(start) {
      if (free > 0) run(start)
      else waiting.push(start)
    },
  }
}
