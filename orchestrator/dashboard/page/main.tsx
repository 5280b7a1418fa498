/**
 * The page's entry: takes a sign-in link out of the address before anything else sees it, asks the hub who this is, and
 * renders.
 */
import { render } from 'preact'
import { App } from './app.tsx'
import { takeLoginSecret } from './state/router.ts'
import { linkRefusal, refreshSession, signInWithLink } from './state/session.ts'
import { applyTheme } from './state/theme.ts'
import { discoverWallets } from './wallet/wallets.ts'

applyTheme()
// Not only to sign in: a session of a wallet signs for each key, also after a reload.
discoverWallets()
if (!tookLink()) void refreshSession()
// A link that is opened where the page is already loads nothing anew.
addEventListener('hashchange', tookLink)
render(<App />, document.getElementById('page')!)

/** Whether the address was a link that signs in, which is used now. */
function tookLink(): boolean {
  const secret = takeLoginSecret()
  if (secret === null) return false
  void signInWithLink(secret).catch(async (error: Error) => {
    linkRefusal.value = error.message
    await refreshSession()
  })
  return true
}
