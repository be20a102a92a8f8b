import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { inventorySchemaText } from '../../../../src-main/shells/cli/inventory-schema.ts'

test('the published schema is that of the contract', () => {
  const published = readFileSync(join(import.meta.dirname, '../../../../resources/inventory.schema.json'), 'utf8')
  // Formatting is prettier's business; `node resources/make-inventory-schema.ts` writes it anew.
  expect(JSON.parse(published)).toEqual(JSON.parse(inventorySchemaText()))
})
