import { resolve } from 'node:path'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'electron-vite'

const root = import.meta.dirname

export default defineConfig({
  main: {
    build: {
      // Only the two packages with native or optional native parts stay outside; everything else is bundled into one file per shell.
      externalizeDeps: { include: ['better-sqlite3', 'ssh2'] },
      rolldownOptions: {
        input: {
          desktop: resolve(root, 'src-main/shells/desktop/index.ts'),
          cli: resolve(root, 'src-main/shells/cli/index.ts'),
          browser: resolve(root, 'src-main/shells/browser/index.ts'),
          // the process of the practice fleet, started by its file
          'practice-fleet': resolve(root, 'src-main/practice/fleet/fleet-process.ts'),
          // the thread from which the console probes
          'probe-thread': resolve(root, 'src-main/recorder/probe-thread.ts'),
        },
      },
    },
  },
  preload: {
    build: {
      // A sandboxed preload cannot require packages, and cannot be an ES module.
      externalizeDeps: false,
      rolldownOptions: {
        input: { index: resolve(root, 'src-preload/index.ts') },
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
  },
  renderer: {
    root: resolve(root, 'src-renderer'),
    plugins: [vue()],
    build: {
      outDir: resolve(root, 'out/renderer'),
      // The page's policy allows no data: fonts; every asset is a file of its own.
      assetsInlineLimit: 0,
      minify: true,
      rolldownOptions: { input: { index: resolve(root, 'src-renderer/index.html') } },
    },
  },
})
