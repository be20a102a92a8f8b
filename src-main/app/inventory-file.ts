/** The inventory as a file: YAML or JSON text to a checked inventory, every complaint with its line, and back. */
import { isAbsolute, resolve } from 'node:path'
import * as v from 'valibot'
import { LineCounter, parseDocument, stringify, type Document } from 'yaml'
import { Inventory, type InventoryNode } from '#contract'
import { faultsOf, type InventoryFault } from '../domain/fleet/inventory.ts'
import { AppError } from './app-error.ts'
import { faultFromIssue, lineOf } from './yaml-places.ts'

export interface InventoryFile {
  text: string
  format: 'yaml' | 'json'
  /** what to call the file in messages */
  source: string
  /** relative paths inside are relative to this; null when the text has no place of its own */
  folder: string | null
}

interface Complaint {
  line: number | null
  path: string
  message: string
}

/** More than this helps nobody; the rest is counted. */
const MAX_COMPLAINTS = 10

/** @throws AppError `inventory.invalid` whose message has one line `file:line: path: what is wrong` per complaint */
export function parseInventoryFile(file: InventoryFile): Inventory {
  const { document, lines, value } = parsedText(file)
  const complain = (faults: readonly InventoryFault[]): never => {
    throw invalid(
      file.source,
      faults.map(({ path, message }) => ({ line: lineOf(document, lines, path), path: pathText(path), message })),
    )
  }
  const parsed = v.safeParse(Inventory, value)
  if (!parsed.success) return complain(parsed.issues.map(faultFromIssue))
  const inventory = { ...parsed.output, nodes: parsed.output.nodes.map((node) => withAbsolutePaths(node, file.folder)) }
  const faults = [...faultsOf(inventory), ...inventory.nodes.flatMap(relativePathFaults)]
  return faults.length === 0 ? inventory : complain(faults)
}

export function inventoryText(inventory: Inventory, format: 'yaml' | 'json'): string {
  return format === 'json' ? `${JSON.stringify(inventory, null, 2)}\n` : stringify(inventory, { lineWidth: 0 })
}

/** Paths of a node that cannot be resolved, as faults; for nodes that come from a form instead of a file. */
export function relativePathFaults(node: InventoryNode, index: number): InventoryFault[] {
  return (['identityFile', 'knownHostsFile'] as const).flatMap((key) => {
    const path = node.ssh[key]
    if (path === undefined || isAbsolute(path) || path.startsWith('~')) return []
    const message = `"${path}" is a relative path and there is no folder it could be relative to; write it from / or from ~/`
    return [{ path: ['nodes', index, 'ssh', key], message }]
  })
}

/** `nodes[2].ssh.port`, as the operator would write it */
export function pathText(path: readonly (string | number)[]): string {
  return path.map((key, index) => (typeof key === 'number' ? `[${key}]` : index === 0 ? key : `.${key}`)).join('')
}

function parsedText({ text, format, source }: InventoryFile): { document: Document; lines: LineCounter; value: unknown } {
  const lines = new LineCounter()
  // JSON is YAML to the reader of positions, so one way of finding lines serves both.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  if (format === 'json') {
    try {
      return { document, lines, value: JSON.parse(text) as unknown }
    } catch (error) {
      const at = document.errors[0]?.pos[0]
      const line = at === undefined ? null : lines.linePos(at).line
      throw invalid(source, [
        { line, path: '', message: `not JSON: ${error instanceof Error ? error.message : String(error)}` },
      ])
    }
  }
  if (document.errors.length > 0) {
    throw invalid(
      source,
      document.errors.map((error) => ({
        line: lines.linePos(error.pos[0]).line,
        path: '',
        message: `not YAML: ${error.message}`,
      })),
    )
  }
  try {
    return { document, lines, value: document.toJS({ maxAliasCount: 100 }) as unknown }
  } catch (error) {
    throw invalid(source, [{ line: null, path: '', message: error instanceof Error ? error.message : String(error) }])
  }
}

function withAbsolutePaths(node: InventoryNode, folder: string | null): InventoryNode {
  const { identityFile, knownHostsFile, ...ssh } = node.ssh
  const absolute = (path: string): string => (folder === null || path.startsWith('~') ? path : resolve(folder, path))
  return {
    ...node,
    ssh: {
      ...ssh,
      ...(identityFile === undefined ? {} : { identityFile: absolute(identityFile) }),
      ...(knownHostsFile === undefined ? {} : { knownHostsFile: absolute(knownHostsFile) }),
    },
  }
}

function invalid(source: string, complaints: readonly Complaint[]): AppError {
  const shown = complaints.slice(0, MAX_COMPLAINTS).map(({ line, path, message }) => {
    const where = line === null ? source : `${source}:${line}`
    return path === '' ? `${where}: ${message}` : `${where}: ${path}: ${message}`
  })
  const more = complaints.length - shown.length
  return new AppError('inventory.invalid', [...shown, ...(more > 0 ? [`… and ${more} more`] : [])].join('\n'), {
    details: { issues: complaints.slice(0, 100) },
  })
}
