import { parseTree, type TreeDirective } from './config-tree.ts'

/** Patterns of `include` wherever they stand, as written: glob(3), relative to the folder of the main file. */
export function includesOf(path: string, text: string): string[] {
  const among = (directives: readonly TreeDirective[]): string[] =>
    directives.flatMap(({ words: [name, pattern], block }) => [
      ...(name.text === 'include' && pattern !== undefined ? [pattern.text] : []),
      ...among(block ?? []),
    ])
  return among(parseTree(path, text).directives)
}
