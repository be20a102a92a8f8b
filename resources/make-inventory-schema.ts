/** Writes `inventory.schema.json` beside this file from the contract: `node resources/make-inventory-schema.ts`. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inventorySchemaText } from '../src-main/shells/cli/inventory-schema.ts'

writeFileSync(join(import.meta.dirname, 'inventory.schema.json'), inventorySchemaText())
