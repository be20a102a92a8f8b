import type { FileTree } from '../machine/machine.ts'

/** What a file descriptor leads to. Descriptors made by `2>&1` are the same object, so they share the place where reading goes on. */
export type Descriptor = Input | Output

export interface Output {
  kind: 'output'
  write(bytes: Buffer): void
}

/** All its bytes are there already: a pipe is read when what writes to it has ended. */
export class Input {
  readonly kind = 'input'
  readonly #read: () => Buffer
  #at = 0

  /** A function is called when somebody first reads: what is never read is not taken from anybody. */
  constructor(bytes: Buffer | (() => Buffer)) {
    let known = typeof bytes === 'function' ? null : bytes
    this.#read = () => (known ??= typeof bytes === 'function' ? bytes() : bytes)
  }

  takeAll(): Buffer {
    const bytes = this.#read()
    const rest = bytes.subarray(this.#at)
    this.#at = bytes.length
    return rest
  }

  /** The rest is for whoever reads next. */
  take(bytes: number): Buffer {
    const taken = this.#read().subarray(this.#at, this.#at + bytes)
    this.#at += taken.length
    return taken
  }

  /** With its newline, if it has one. Null: the end. */
  takeLine(): string | null {
    const bytes = this.#read()
    if (this.#at >= bytes.length) return null
    const newline = bytes.indexOf(10, this.#at)
    const end = newline < 0 ? bytes.length : newline + 1
    const line = bytes.toString('utf8', this.#at, end)
    this.#at = end
    return line
  }
}

export const nothing = (): Input => new Input(Buffer.alloc(0))
export const discard: Output = { kind: 'output', write: () => undefined }

export class Collector implements Output {
  readonly kind = 'output'
  readonly #chunks: Buffer[] = []

  write(bytes: Buffer): void {
    this.#chunks.push(bytes)
  }

  bytes(): Buffer {
    return Buffer.concat(this.#chunks)
  }
}

/** Throws PosixError. */
export function openForReading(files: FileTree, path: string, uid: number): Input {
  if (path === '/dev/null') return nothing()
  // a directory can be opened, and locked, but not read
  if (files.stat(path).kind === 'directory') return nothing()
  return new Input(files.read(path, uid))
}

/** Throws PosixError. `>` makes the file empty at once; later writes find it by its name. */
export function openForWriting(files: FileTree, path: string, how: { append: boolean; mode: number; uid: number }): Output {
  if (path === '/dev/null') return discard
  const { append, mode, uid } = how
  files.write(path, '', { append, mode, uid })
  return { kind: 'output', write: (bytes) => files.write(path, bytes, { append: true, mode, uid }) }
}
