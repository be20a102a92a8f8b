import type { Statement } from './statement.ts'

/** The statements of a block and of those around it, innermost first. */
export type Levels = readonly (readonly Statement[])[]

/** nginx's inheritance: what stands in the innermost block that has any of the name. */
export function inherited(levels: Levels, name: string): readonly Statement[] {
  for (const level of levels) {
    const found = named(level, name)
    if (found.length > 0) return found
  }
  return []
}

export const named = (statements: readonly Statement[], name: string): readonly Statement[] =>
  statements.filter((statement) => statement.name === name)

/** The first argument; undefined where the directive stands nowhere. */
export const valueOf = (levels: Levels, name: string): string | undefined => inherited(levels, name)[0]?.args[0]
