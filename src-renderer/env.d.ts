import 'vue-router'
import type { ConsoleBridge } from '../src-preload/channels.ts'

declare global {
  interface Window {
    /** Only in the desktop shell. */
    evenkeel?: ConsoleBridge
  }
}
