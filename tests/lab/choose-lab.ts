import { inject } from 'vitest'

// Test files that run at the same time have labs of their own: vitest numbers the places they run in.
const names = inject('labNames')
const place = Number(process.env['VITEST_POOL_ID'] ?? 1)
const name = names[(place - 1) % Math.max(1, names.length)]
if (name !== undefined) process.env['EVENKEEL_LAB'] = name
