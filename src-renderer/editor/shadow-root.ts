/**
 * Where an editor is mounted. CodeMirror brings its styles along: in a document it would add a `<style>`, which the page's policy refuses;
 * in a shadow root it adopts constructed style sheets, which need no permission.
 */
export function shadowRootOf(host: HTMLElement): ShadowRoot {
  return host.shadowRoot ?? host.attachShadow({ mode: 'open' })
}
