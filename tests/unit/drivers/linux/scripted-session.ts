import type { ExecOptions, ExecResult, NodeSession } from '../../../../src-main/app/ports/node-session.ts'
import { AppError } from '../../../../src-main/app/app-error.ts'
import * as v from 'valibot'
import { NodeId } from '#contract'

export type Answer = Partial<Omit<ExecResult, 'stdout'>> & { stdout?: string }
export type Answers = (argv: readonly string[], options: ExecOptions) => Answer | AppError

/** A node that answers each command from a table, for the paths that a healthy daemon does not take. The lab has the real ones. */
export function scriptedSession(
  answers: Answers,
  files: Record<string, string> = {},
): NodeSession & { asked: { argv: readonly string[]; options: ExecOptions }[] } {
  const asked: { argv: readonly string[]; options: ExecOptions }[] = []
  return {
    nodeId: v.parse(NodeId, 'n1'),
    asked,
    async exec(argv, options) {
      asked.push({ argv, options })
      const answer = answers(argv, options)
      if (answer instanceof AppError) throw answer
      return { code: 0, signal: null, stderr: '', truncated: false, ...answer, stdout: Buffer.from(answer.stdout ?? '') }
    },
    async openSocket() {
      throw new AppError('exec.not-found', 'There are no sockets here.')
    },
    async openTcp(host, port) {
      throw new AppError('exec.failed', `Nobody listens on ${host}:${port} here.`)
    },
    async readFile(path) {
      const text = files[path]
      if (text === undefined) throw new AppError('exec.not-found', `There is no ${path}.`)
      return { bytes: Buffer.from(text), sha256: '' }
    },
    async replaceFile(path) {
      throw new AppError('exec.not-permitted', `${path} is not for writing here.`)
    },
    traffic: () => ({ received: 0, sent: 0 }),
  }
}

export const limits = { signal: new AbortController().signal, timeoutMs: 1000 }

export const refused = new AppError('exec.not-permitted', 'sudo says no.')

/** Sections as the scripts print them. */
export const sections = (parts: Record<string, string>): string =>
  Object.entries(parts)
    .map(([name, content]) => `${name}\0${content}\0`)
    .join('')
