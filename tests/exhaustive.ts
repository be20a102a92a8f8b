/** EVENKEEL_EXHAUSTIVE=1: every case of a table, however long that takes, each tried once; else the few that say most. */
export const exhaustive = process.env['EVENKEEL_EXHAUSTIVE'] === '1'
