/** The desktop shell's entry. Everything that can be tested without Electron's binary is in the files beside. */
import * as electron from 'electron'
import { join } from 'node:path'
import { composeFor } from '../../compose.ts'
import { runDesktop } from './desktop-app.ts'
import { createPrintPage } from './print-page.ts'
import { createStartUtilityProcess } from './utility-process.ts'

runDesktop(electron, {
  outFolder: join(import.meta.dirname, '..'),
  compose: (cipher) =>
    composeFor('desktop', {
      ...{ cipher, startProcess: createStartUtilityProcess(electron), printPage: createPrintPage(electron) },
    }),
}).catch((error: unknown) => {
  electron.dialog.showErrorBox('Evenkeel could not start', error instanceof Error ? error.message : String(error))
  electron.app.exit(5)
})
