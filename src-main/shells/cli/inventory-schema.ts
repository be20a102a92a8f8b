import { toJsonSchema } from '@valibot/to-json-schema'
import { Inventory } from '#contract'

/** The JSON Schema of the inventory file, draft-07, for editors. References between entries are checked at import only. */
export function inventoryJsonSchema(): object {
  return {
    ...toJsonSchema(Inventory, { errorMode: 'ignore', typeMode: 'input' }),
    title: 'Evenkeel inventory',
  }
}

export function inventorySchemaText(): string {
  return `${JSON.stringify(inventoryJsonSchema(), null, 2)}\n`
}
