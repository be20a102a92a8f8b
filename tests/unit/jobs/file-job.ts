import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as v from 'valibot'
import { NodeId } from '#contract'
import { AppError } from '../../../src-main/app/app-error.ts'
import type { JobDefinition, StepContext } from '../../../src-main/app/jobs/job-definition.ts'

const FileJobInput = v.strictObject({ folder: v.string(), steps: v.array(NodeId), to: v.string() })
type FileJobInput = v.InferOutput<typeof FileJobInput>
const FileIntent = v.strictObject({ before: v.string() })
type FileIntent = v.InferOutput<typeof FileIntent>

/** What a test may do to a step: throw, wait, count. */
export type Trouble = (moment: string, context: StepContext<FileJobInput>) => void | Promise<void>

/**
 * A job with side effects that outlive the process: each "node" is a file, its state is the file's last line, and every change
 * is one appended line, so that a change made twice shows.
 */
export function fileJob(trouble: Trouble = () => undefined, version = 1): JobDefinition<FileJobInput, FileIntent> {
  const read = (context: StepContext<FileJobInput>): string => linesOf(context.input.folder, context.step.key).at(-1) ?? 'start'
  const write = (context: StepContext<FileJobInput>, line: string): void =>
    appendFileSync(join(context.input.folder, `${context.step.key}.txt`), `${line}\n`)
  return {
    kind: 'test.file',
    version,
    input: FileJobInput,
    intent: FileIntent,
    deadlineMs: 60_000,
    plan: ({ steps, to }) => ({
      title: `Set ${steps.join(', ')} to ${to}`,
      servers: [],
      steps: steps.map((nodeId) => ({ key: nodeId, nodeId, title: `Set ${nodeId} to ${to}` })),
    }),
    async prepare(context) {
      await trouble(`prepare ${context.step.key}`, context)
      return { before: read(context) }
    },
    async probe({ before }, context) {
      await trouble(`probe ${context.step.key}`, context)
      const now = read(context)
      return now === context.input.to ? 'present' : now === before ? 'absent' : 'different'
    },
    async apply(_intent, context) {
      await trouble(`before apply ${context.step.key}`, context)
      write(context, context.input.to)
      context.record({ at: 1, via: 'file', command: `write ${context.input.to}`, exitCode: 0, reply: '' })
      await trouble(`after apply ${context.step.key}`, context)
    },
    async undo({ before }, context) {
      await trouble(`before undo ${context.step.key}`, context)
      write(context, before)
      await trouble(`after undo ${context.step.key}`, context)
    },
    undoInput(job) {
      const { folder, steps } = v.parse(FileJobInput, job.input)
      const [first] = job.steps.map(({ intent }) => v.parse(FileIntent, intent).before)
      return first === undefined ? { why: 'nothing was done' } : { kind: 'test.file', input: { folder, steps, to: first } }
    },
  }
}

export function linesOf(folder: string, step: string): string[] {
  const file = join(folder, `${step}.txt`)
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : []
}

export function lost(effect: 'none' | 'unknown'): AppError {
  return new AppError('ssh.connection-lost', 'The connection to the node was lost.', { effect })
}
