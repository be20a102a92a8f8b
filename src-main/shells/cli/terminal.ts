import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'

/** What a command may do to the terminal it was started in. */
export interface Terminal {
  /** a line of the result, on stdout */
  out(line: string): void
  /** bytes of the result exactly as they are, on stdout */
  raw(bytes: Uint8Array): void
  /** a remark that scripts reading stdout must not see, on stderr */
  err(line: string): void
  /** null when nobody can answer */
  ask(question: string): Promise<string | null>
  /** the same, and what is typed is not shown */
  askSecret(question: string): Promise<string | null>
  readStdin(): Promise<string>
  /** Ctrl-C; returns how to stop listening */
  onInterrupt(listener: () => void): () => void
}

export function processTerminal(): Terminal {
  return {
    out: (line) => void process.stdout.write(`${line}\n`),
    raw: (bytes) => void process.stdout.write(bytes),
    err: (line) => void process.stderr.write(`${line.split('\n').map(plain).join('\n')}\n`),
    async ask(question) {
      if (!process.stdin.isTTY) return null
      const reader = createInterface({ input: process.stdin, output: process.stderr })
      try {
        return await reader.question(question)
      } finally {
        reader.close()
      }
    },
    async askSecret(question) {
      if (!process.stdin.isTTY) return null
      process.stderr.write(question)
      // readline shows what is typed by writing it to its output
      const unseen = new Writable({ write: (_chunk, _encoding, done) => done() })
      const reader = createInterface({ input: process.stdin, output: unseen, terminal: true })
      try {
        return await reader.question('')
      } finally {
        reader.close()
        process.stderr.write('\n')
      }
    },
    async readStdin() {
      const chunks: Buffer[] = []
      for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk as Uint8Array))
      return Buffer.concat(chunks).toString('utf8')
    },
    onInterrupt(listener) {
      const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
      for (const signal of signals) process.on(signal, listener)
      return () => {
        for (const signal of signals) process.off(signal, listener)
      }
    },
  }
}

/** Columns as wide as their longest cell; numbers are given already formatted. */
export function tableLines(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => plain(row[column] ?? '').length)))
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => plain(cell).padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  return [line(header), ...rows.map(line)]
}

/** Text that came from a node must not move the cursor or colour the terminal. */
export function plain(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '·')
}

/** `4 s`, `12 min`, `3 h`, `5 d`; `–` for what never was */
export function ageText(at: number | null, now: number): string {
  if (at === null) return '–'
  const seconds = Math.max(0, Math.round((now - at) / 1000))
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7_200) return `${Math.floor(seconds / 60)} min`
  return seconds < 172_800 ? `${Math.floor(seconds / 3_600)} h` : `${Math.floor(seconds / 86_400)} d`
}

export function numberText(value: number | null): string {
  if (value === null) return '–'
  return Number.isInteger(value) ? String(value) : value.toFixed(1)
}
