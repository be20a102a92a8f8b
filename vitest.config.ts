import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vitest/config'
import { exhaustive } from './tests/exhaustive.ts'

/** Projects follow the folders of tests/: `unit` and `contract` need nothing, `lab` needs root on Linux, `e2e` a Chromium as well. */
const project = (name: string, extra: object = {}) => ({
  extends: true as const,
  test: { name, include: [`tests/${name}/**/*.test.ts`], setupFiles: ['tests/require-node.ts'], ...extra },
})

export default defineConfig({
  plugins: [vue()],
  test: {
    projects: [
      project('unit', { maxWorkers: 2 }),
      // they wait for the practice fleet, more than they compute
      project('contract', { testTimeout: 20_000, maxWorkers: 3, sequence: { groupOrder: 3 } }),
      project('lab', {
        testTimeout: 60_000,
        hookTimeout: 120_000,
        // Three labs and whatever else a shared machine does make real daemons late now and then. What fails twice is wrong; what was
        // tried again is marked in the report.
        retry: exhaustive ? 0 : 1,
        setupFiles: ['tests/require-node.ts', 'tests/lab/choose-lab.ts'],
        // a file at a time on each lab; see tests/lab/setup.ts
        maxWorkers: process.env['EVENKEEL_LAB'] === undefined ? 3 : 1,
        // one project after the other: both stop and start the same daemons
        sequence: { groupOrder: 1 },
        globalSetup: ['tests/lab/setup.ts'],
      }),
      project('e2e', {
        testTimeout: 120_000,
        hookTimeout: 180_000,
        setupFiles: ['tests/require-node.ts', 'tests/lab/choose-lab.ts'],
        // a window and its console each; more of them than cores would make each other late
        maxWorkers: process.env['EVENKEEL_LAB'] === undefined ? 2 : 1,
        sequence: { groupOrder: 2 },
        globalSetup: ['tests/lab/setup.ts'],
      }),
    ],
  },
})
