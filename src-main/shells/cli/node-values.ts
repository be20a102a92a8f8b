/*
 * Per-node values of a file that several nodes share: `{{priority}}` in it stands for what a YAML file says of each node.
 *
 *     all: { interface: eth0 }
 *     lb1: { priority: 150, state: MASTER }
 *     lb2: { priority: 100, state: BACKUP }
 */
import { readFile } from 'node:fs/promises'
import * as v from 'valibot'
import { LineCounter, parseDocument } from 'yaml'
import type { NodeId } from '#contract'
import { pathText } from '../../app/inventory-file.ts'
import { faultFromIssue, lineOf } from '../../app/yaml-places.ts'
import { usageError } from './exit-codes.ts'

const Values = v.record(v.string(), v.record(v.string(), v.pipe(v.string(), v.regex(/^[^\r\n\0]*$/, 'has to be one line'))))

export interface NodeValues {
  /** The bytes with each `{{name}}` replaced. @throws CliError where the node has no such value, with the place. */
  fill(bytes: Buffer, file: string, node: NodeId): Buffer
  /** @throws CliError for a value that no file has asked for: most likely its name is misspelt */
  expectAllUsed(nodes: readonly NodeId[]): void
}

/** For a push that shares nothing: `{{` means what it means to the daemon. */
export const noValues: NodeValues = { fill: (bytes) => bytes, expectAllUsed: () => undefined }

export async function readNodeValues(file: string): Promise<NodeValues> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw usageError(`${file} could not be read: ${cause instanceof Error ? cause.message : String(cause)}.`)
  })
  return nodeValues(file, text)
}

/** @param text YAML; every value is taken as it is written, so `1.10` stays `1.10`. @throws CliError with file and line */
export function nodeValues(file: string, text: string): NodeValues {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, schema: 'failsafe' })
  const [error] = document.errors
  if (error !== undefined) throw usageError(`${file}:${lines.linePos(error.pos[0]).line}: not YAML: ${error.message}`)
  const parsed = v.safeParse(Values, document.toJS({ maxAliasCount: 100 }) ?? {})
  if (!parsed.success) {
    const { path, message } = faultFromIssue(parsed.issues[0])
    throw usageError(`${file}:${lineOf(document, lines, path) ?? 1}: ${pathText(path)} ${message}`)
  }
  const values = parsed.output
  const used = new Set<string>()
  const valueOf = (node: string, name: string): string | undefined => {
    for (const owner of [node, 'all']) {
      const found = Object.hasOwn(values, owner) ? values[owner] : undefined
      if (found === undefined || !Object.hasOwn(found, name)) continue
      used.add(`${owner} ${name}`)
      return found[name]
    }
    return undefined
  }
  return {
    fill(bytes, from, node) {
      const filled = bytes.toString('latin1').replace(/\{\{[ \t]*([\w.-]+)[ \t]*\}\}/g, (_, name: string, at: number) => {
        const value = valueOf(node, name)
        if (value !== undefined) return Buffer.from(value, 'utf8').toString('latin1')
        const line = bytes.subarray(0, at).toString('latin1').split('\n').length
        throw usageError(`${from}:${line}: ${file} gives ${node} no value "${name}".`)
      })
      return Buffer.from(filled, 'latin1')
    },
    expectAllUsed(nodes) {
      for (const owner of ['all', ...nodes]) {
        const names = Object.hasOwn(values, owner) ? Object.keys(values[owner] ?? {}) : []
        const unused = names.find((name) => !used.has(`${owner} ${name}`))
        // what every node says itself leaves that of all unused
        if (unused === undefined || (owner === 'all' && nodes.some((node) => used.has(`${node} ${unused}`)))) continue
        const line = lineOf(document, lines, [owner, unused]) ?? 1
        throw usageError(`${file}:${line}: no file that is pushed has {{${unused}}}, which ${owner} gives a value.`)
      }
    },
  }
}
