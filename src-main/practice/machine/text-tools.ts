/*
 * The programs that work on text (sed, grep, awk, sort, …), which just-bash brings along; its shell is not used. Each call sees the
 * machine's file tree with the rights of its account. The result goes through a file of its own, because what just-bash returns as a
 * string no longer tells bytes from text.
 */
import { posix } from 'node:path'
import type { CommandName, FsStat, IFileSystem } from 'just-bash/browser'
import { type FileStat, type FileTree, PosixError, type Program } from './machine.ts'

export const textTools = [
  ...['awk', 'base64', 'basename', 'comm', 'diff', 'dirname', 'egrep', 'expr', 'fgrep', 'find', 'fold', 'grep', 'join'],
  ...['md5sum', 'nl', 'paste', 'rev', 'sed', 'seq', 'sha1sum', 'sha256sum', 'sort', 'tac', 'tee', 'uniq'],
] as const satisfies CommandName[]

/** These count or pass on bytes; the others are given one character per byte, as in the C locale. */
const byteTools: ReadonlySet<string> = new Set(['base64', 'find', 'md5sum', 'sha1sum', 'sha256sum', 'tee'])

const outputFile = '/dev/evenkeel-output'

const perByte = (text: string): string => Buffer.from(text).toString('latin1')
const asBytes = (text: string): Buffer => Buffer.from(text, 'latin1')

export function createTextTool(name: (typeof textTools)[number]): Program {
  const raw = byteTools.has(name)
  return async (call) => {
    // more than a megabyte of code, for whoever has a practice fleet
    const { Bash } = await import('just-bash/browser')
    const output: Buffer[] = []
    const fs = new TreeAdapter({ files: call.machine.files, uid: call.uid, output, raw })
    const bash = new Bash({ fs, cwd: raw ? call.cwd : perByte(call.cwd), commands: [name] })
    const result = await bash.exec(`${name} > ${outputFile}`, {
      args: raw ? call.argv.slice(1) : call.argv.slice(1).map(perByte),
      stdin: call.stdin.toString('latin1'),
      stdinKind: raw ? 'bytes' : 'text',
      rawScript: true,
      signal: call.signal,
    })
    call.stdout(raw ? Buffer.concat(output) : asBytes(Buffer.concat(output).toString('utf8')))
    call.stderr(raw ? result.stderr : asBytes(result.stderr).toString('utf8'))
    return result.exitCode
  }
}

class TreeAdapter implements IFileSystem {
  readonly #files: FileTree
  readonly #uid: number
  readonly #output: Buffer[]
  readonly #raw: boolean

  constructor({ files, uid, output, raw }: { files: FileTree; uid: number; output: Buffer[]; raw: boolean }) {
    this.#files = files
    this.#uid = uid
    this.#output = output
    this.#raw = raw
  }

  #path(path: string): string {
    return this.#raw ? path : asBytes(path).toString('utf8')
  }

  async readFile(path: string): Promise<string> {
    return this.#read(path).toString('utf8')
  }

  async readFileBuffer(path: string): Promise<Uint8Array> {
    return this.#read(path)
  }

  #read(path: string): Buffer {
    const bytes = asNode(path, () => this.#files.read(this.#path(path), this.#uid))
    return this.#raw ? bytes : Buffer.from(bytes.toString('latin1'))
  }

  async writeFile(path: string, content: string | Uint8Array, options?: { encoding?: string } | string): Promise<void> {
    this.#write(path, content, options, false)
  }

  async appendFile(path: string, content: string | Uint8Array, options?: { encoding?: string } | string): Promise<void> {
    this.#write(path, content, options, true)
  }

  #write(
    path: string,
    content: string | Uint8Array,
    options: { encoding?: string } | string | undefined,
    append: boolean,
  ): void {
    const encoding = typeof options === 'string' ? options : options?.encoding
    const latin1 = encoding === 'binary' || encoding === 'latin1'
    const bytes = typeof content === 'string' ? Buffer.from(content, latin1 ? 'latin1' : 'utf8') : Buffer.from(content)
    if (path === outputFile) this.#output.push(bytes)
    else {
      const kept = this.#raw ? bytes : asBytes(bytes.toString('utf8'))
      asNode(path, () => this.#files.write(this.#path(path), kept, { append, uid: this.#uid }))
    }
  }

  async exists(path: string): Promise<boolean> {
    return this.#files.exists(this.#path(path))
  }

  async stat(path: string): Promise<FsStat> {
    return asNode(path, () => fsStat(this.#files.stat(this.#path(path))))
  }

  async lstat(path: string): Promise<FsStat> {
    return asNode(path, () => fsStat(this.#files.lstat(this.#path(path))))
  }

  async readdir(path: string): Promise<string[]> {
    return asNode(path, () => this.#files.list(this.#path(path)))
  }

  async mkdir(path: string, options?: { recursive?: boolean }): Promise<void> {
    asNode(path, () => this.#files.makeDirectory(this.#path(path), { uid: this.#uid, parents: options?.recursive === true }))
  }

  async rm(path: string, options?: { recursive?: boolean; force?: boolean }): Promise<void> {
    if (options?.force === true && !this.#files.exists(this.#path(path))) return
    asNode(path, () => this.#files.remove(this.#path(path), { uid: this.#uid, recursive: options?.recursive === true }))
  }

  async cp(from: string, to: string): Promise<void> {
    asNode(from, () => this.#files.write(this.#path(to), this.#files.read(this.#path(from), this.#uid), { uid: this.#uid }))
  }

  async mv(from: string, to: string): Promise<void> {
    asNode(from, () => this.#files.rename(this.#path(from), this.#path(to), this.#uid))
  }

  resolvePath(base: string, path: string): string {
    return posix.resolve(base, path)
  }

  getAllPaths(): string[] {
    return []
  }

  async chmod(path: string, mode: number): Promise<void> {
    this.#refuse(path, mode)
  }

  async symlink(target: string, path: string): Promise<void> {
    this.#refuse(path, target)
  }

  async link(existing: string, path: string): Promise<void> {
    this.#refuse(path, existing)
  }

  async utimes(path: string): Promise<void> {
    this.#refuse(path)
  }

  /** No text tool does this; one that tried would fail loudly. */
  #refuse(path: string, ..._rest: unknown[]): never {
    throw nodeError(path, new PosixError('EPERM'))
  }

  async readlink(path: string): Promise<string> {
    return asNode(path, () => this.#files.readLink(this.#path(path)))
  }

  async realpath(path: string): Promise<string> {
    return asNode(path, () => this.#files.realPath(this.#path(path)))
  }
}

function fsStat({ kind, mode, size, modifiedAt, inode }: FileStat): FsStat {
  return {
    ...{ isFile: kind === 'file', isDirectory: kind === 'directory', isSymbolicLink: kind === 'symlink', mode, size },
    ...{ mtime: new Date(modifiedAt), ino: inode, dev: 1 },
  }
}

/** just-bash looks for errno's name in front of a message. */
function asNode<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (thrown) {
    if (thrown instanceof PosixError) throw nodeError(path, thrown)
    throw thrown
  }
}

const nodeError = (path: string, { code, message }: PosixError): Error =>
  Object.assign(new Error(`${code}: ${message.toLowerCase()}, open '${path}'`), { code })
